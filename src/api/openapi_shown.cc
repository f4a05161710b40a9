// Schemas of what the API shows beside the field table.
#include "api/openapi_bodies.h"

namespace reeve::api {
namespace {

constexpr std::string_view kShown = R"json({
"Probe": {
  "type": "object",
  "properties": {"status": {"const": "ok"}, "executors": {"enum": ["up", "down"]}},
  "required": ["status"],
  "additionalProperties": false
},
"Version": {
  "type": "object",
  "properties": {
    "reeve": {"type": "string"},
    "api": {"const": "v1"},
    "output": {"type": "integer", "description": "version of the objects"}
  },
  "required": ["reeve", "api", "output"],
  "additionalProperties": false
},
"Event": {
  "type": "object",
  "description": "CloudEvents 1.0: the data of an event of a stream",
  "properties": {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "pattern": "^[0-9]+-[0-9]+$"},
    "source": {"type": "string"},
    "type": {"type": "string", "pattern": "^dev\\.reeve\\.(run|task|approval)\\.[a-z_]+$"},
    "subject": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "datacontenttype": {"const": "application/json"},
    "data": {
      "type": "object",
      "properties": {
        "run": {"type": "string"},
        "number": {"type": "integer"},
        "namespace": {"type": "string"},
        "from": {"type": "string"},
        "to": {"type": "string"},
        "task": {"type": "string", "description": "not there: the run itself"},
        "index": {"type": "integer"},
        "count": {"type": "integer", "description": "so many tasks from index on"},
        "attempt": {"type": "integer"},
        "reason": {"type": "string"},
        "sentence": {"type": "string"}
      },
      "required": ["run", "number", "namespace", "from", "to"],
      "additionalProperties": false
    }
  },
  "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
  "additionalProperties": false
},
"EventStream": {
  "type": "string",
  "description": "Server-Sent Events; each data is an Event",
  "contentMediaType": "application/json",
  "contentSchema": {"$ref": "#/components/schemas/Event"}
},
"Problem": {
  "type": "object",
  "description": "RFC 9457",
  "properties": {
    "type": {"type": "string", "pattern": "^urn:reeve:problem:[a-z-]+$"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "instance": {"type": "string"},
    "errors": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "pointer": {"type": "string", "description": "JSON Pointer into what was sent"},
          "detail": {"type": "string"},
          "line": {"type": "integer"},
          "column": {"type": "integer"}
        },
        "required": ["pointer", "detail"],
        "additionalProperties": false
      }
    }
  },
  "required": ["type", "title", "status", "detail"],
  "additionalProperties": false
},
"Identity": {
  "type": "object",
  "properties": {
    "subject": {"type": "string"},
    "role": {"type": "string"},
    "namespaces": {"type": "array", "items": {"type": "string"}},
    "actions": {"type": "array", "items": {"type": "string"}}
  },
  "required": ["subject", "role", "namespaces", "actions"],
  "additionalProperties": false
},
"Token": {
  "type": "object",
  "properties": {
    "id": {"type": "string"},
    "label": {"type": "string"},
    "subject": {"type": ["string", "null"], "description": "who signed on, and is meant by it"},
    "role": {"type": "string"},
    "namespaces": {"type": "array", "items": {"type": "string"}},
    "actions": {"type": ["array", "null"], "items": {"type": "string"}},
    "created_by": {"type": "string"},
    "created_at": {"type": ["string", "null"], "format": "date-time"},
    "expires_at": {"type": ["string", "null"], "format": "date-time"},
    "last_used_at": {"type": ["string", "null"], "format": "date-time"},
    "revoked_at": {"type": ["string", "null"], "format": "date-time"}
  },
  "required": ["id", "label", "role", "namespaces", "created_at", "expires_at"],
  "additionalProperties": false
},
"NewTokenReply": {
  "type": "object",
  "properties": {
    "version": {"const": 1},
    "token": {"$ref": "#/components/schemas/Token"},
    "text": {"type": "string", "description": "the secret: kept nowhere else"}
  },
  "required": ["version", "token", "text"],
  "additionalProperties": false
},
"SubmittedReply": {
  "type": "object",
  "properties": {
    "version": {"const": 1},
    "run": {"$ref": "#/components/schemas/RunSummary"},
    "warnings": {"type": "array", "items": {"type": "string"}}
  },
  "required": ["version", "run", "warnings"],
  "additionalProperties": false
},
"BulkReply": {
  "type": "object",
  "properties": {
    "version": {"const": 1},
    "accepted": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "index": {"type": "integer", "description": "of the line, from 0, empty ones left out"},
          "number": {"type": "integer"},
          "id": {"type": ["string", "null"], "description": "null: taken in by an earlier request"}
        },
        "required": ["index", "number", "id"],
        "additionalProperties": false
      }
    },
    "refused": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "index": {"type": "integer"},
          "problem": {"$ref": "#/components/schemas/Problem"}
        },
        "required": ["index", "problem"],
        "additionalProperties": false
      }
    }
  },
  "required": ["version", "accepted", "refused"],
  "additionalProperties": false
},
"TaskDetail": {
  "type": "object",
  "properties": {
    "task": {"$ref": "#/components/schemas/Task"},
    "attempts": {"type": "array", "items": {"$ref": "#/components/schemas/Attempt"}}
  },
  "required": ["task", "attempts"],
  "additionalProperties": false
},
"Graph": {
  "type": "object",
  "properties": {
    "run": {"type": "string"},
    "groups": {"type": "array", "items": {"type": "object"}},
    "edges": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "from": {"type": "string"},
          "to": {"type": "string"},
          "condition": {"enum": ["success", "failure", "always"]}
        },
        "required": ["from", "to", "condition"],
        "additionalProperties": false
      }
    }
  },
  "required": ["run", "groups", "edges"],
  "additionalProperties": false
},
"Difference": {
  "type": "object",
  "properties": {
    "a": {"type": "string", "description": "the run of the path"},
    "b": {"type": "string", "description": "the other"},
    "changes": {
      "type": "array",
      "description": "of the runs as a whole",
      "items": {
        "type": "object",
        "properties": {
          "field": {"enum": ["workflow", "state", "inputs", "outputs", "directory",
                             "workflow_digest", "duration_seconds"]},
          "a": {"description": "its value in a"},
          "b": {"description": "its value in b"}
        },
        "required": ["field", "a", "b"],
        "additionalProperties": false
      }
    },
    "tasks": {"type": "array", "items": {"$ref": "#/components/schemas/TaskDifference"}}
  },
  "required": ["a", "b", "changes", "tasks"],
  "additionalProperties": false
},
"Workflow": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "namespace": {"type": "string"},
    "versions": {"type": "integer", "description": "how many; also the number of the newest"},
    "digest": {"type": "string", "description": "of the newest version"},
    "runs": {"type": "integer", "description": "of all versions"},
    "last_run": {"type": "integer", "description": "number of a run"},
    "first_seen_at": {"type": "string", "format": "date-time"},
    "last_seen_at": {"type": "string", "format": "date-time"}
  },
  "required": ["name", "namespace", "versions", "digest", "runs", "last_run", "first_seen_at",
               "last_seen_at"],
  "additionalProperties": false
},
"WorkflowVersion": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "namespace": {"type": "string"},
    "number": {"type": "integer",
               "description": "the how manyeth text that was run under the name there"},
    "digest": {"type": "string", "description": "BLAKE2b-256 of its text"},
    "runs": {"type": "integer"},
    "first_run": {"type": "integer", "description": "number of a run"},
    "last_run": {"type": "integer", "description": "number of a run"},
    "first_seen_at": {"type": "string", "format": "date-time"},
    "last_seen_at": {"type": "string", "format": "date-time"}
  },
  "required": ["name", "namespace", "number", "digest", "runs", "first_run", "last_run",
               "first_seen_at", "last_seen_at"],
  "additionalProperties": false
},
"WorkflowVersionText": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "namespace": {"type": "string"},
    "number": {"type": "integer",
               "description": "the how manyeth text that was run under the name there"},
    "digest": {"type": "string", "description": "BLAKE2b-256 of its text"},
    "runs": {"type": "integer"},
    "first_run": {"type": "integer", "description": "number of a run"},
    "last_run": {"type": "integer", "description": "number of a run"},
    "first_seen_at": {"type": "string", "format": "date-time"},
    "last_seen_at": {"type": "string", "format": "date-time"},
    "source": {"type": "string", "description": "as it was submitted"}
  },
  "required": ["name", "namespace", "number", "digest", "runs", "first_run", "last_run",
               "first_seen_at", "last_seen_at", "source"],
  "additionalProperties": false
},
"Timeline": {
  "type": "object",
  "properties": {
    "run": {"type": "string"},
    "submitted_at": {"type": "string", "format": "date-time"},
    "started_at": {"type": ["string", "null"], "format": "date-time"},
    "ended_at": {"type": ["string", "null"], "format": "date-time"},
    "entries": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "task": {"type": "string"},
          "index": {"type": "integer"},
          "attempt": {"type": "integer"},
          "outcome": {"type": "string"},
          "code": {"type": "integer"},
          "queued_at": {"type": ["string", "null"], "format": "date-time"},
          "started_at": {"type": ["string", "null"], "format": "date-time"},
          "ended_at": {"type": ["string", "null"], "format": "date-time"}
        },
        "required": ["task", "index", "attempt", "outcome", "queued_at", "started_at", "ended_at"],
        "additionalProperties": false
      }
    }
  },
  "required": ["run", "submitted_at", "started_at", "ended_at", "entries"],
  "additionalProperties": false
},
"LogReply": {
  "type": "object",
  "properties": {
    "version": {"const": 1},
    "lines": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "at": {"type": ["string", "null"], "format": "date-time"},
          "stream": {"enum": ["stdout", "stderr", "notice"]},
          "text": {"type": "string"},
          "partial": {"type": "boolean", "description": "the line goes on"}
        },
        "required": ["at", "stream", "text", "partial"],
        "additionalProperties": false
      }
    },
    "position": {"type": "integer", "description": "send it as from to get what follows"}
  },
  "required": ["version", "lines", "position"],
  "additionalProperties": false
},
"Capacity": {
  "type": "object",
  "properties": {
    "cpu_millicores": {"type": "integer"},
    "memory_bytes": {"type": "integer"},
    "disk_bytes": {"type": "integer"},
    "gpu_milli": {"type": "integer"},
    "countables": {"type": "object", "additionalProperties": {"type": "integer"}}
  },
  "additionalProperties": false
},
"Queue": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "weight": {"type": "integer"},
    "priority": {"type": "integer"},
    "waiting": {"type": "integer", "description": "tasks"},
    "running_max": {"type": ["integer", "null"]},
    "queued_max": {"type": ["integer", "null"]},
    "preemptible": {"type": "boolean"}
  },
  "required": ["name", "weight", "waiting"],
  "additionalProperties": false
},
"Pool": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "up": {"type": "boolean"},
    "capacity": {"$ref": "#/components/schemas/Capacity"}
  },
  "required": ["name", "up", "capacity"],
  "additionalProperties": false
},
"Node": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "pool": {"type": "string"},
    "open": {"type": "boolean"},
    "capacity": {"$ref": "#/components/schemas/Capacity"},
    "used": {"$ref": "#/components/schemas/Capacity"},
    "drained": {
      "type": ["object", "null"],
      "description": "by whom, since when and why nothing starts there; null: it is not drained",
      "properties": {
        "by": {"type": "string"},
        "why": {"type": "string"},
        "since": {"type": "string", "format": "date-time"}
      },
      "required": ["by", "why", "since"],
      "additionalProperties": false
    },
    "staged": {"type": "integer", "description": "attempts handed over beyond the free capacity"},
    "load_permille": {"type": "integer", "description": "of processors: kept from new work"},
    "speed": {"type": "number", "description": "over the usual; learned"}
  },
  "required": ["name", "pool", "open", "drained", "capacity", "used", "staged", "load_permille",
    "speed"],
  "additionalProperties": false
},
"FlagAnswer": {
  "type": "object",
  "properties": {"on": {"type": "boolean"}, "why": {"type": "string"}},
  "required": ["on", "why"],
  "additionalProperties": false
},
"Role": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "built_in": {"type": "boolean"},
    "actions": {"type": "array", "items": {"type": "string"}}
  },
  "required": ["name", "built_in", "actions"],
  "additionalProperties": false
},
"User": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "role": {"type": "string"},
    "namespaces": {"type": "array", "items": {"type": "string"}},
    "actions": {"type": ["array", "null"], "items": {"type": "string"}},
    "created_at": {"type": ["string", "null"], "format": "date-time"},
    "disabled": {"type": "boolean"}
  },
  "required": ["name", "role", "namespaces", "actions", "created_at", "disabled"],
  "additionalProperties": false
},
"SignOn": {
  "type": "object",
  "properties": {
    "issuer": {"type": "string"},
    "client": {"type": "string", "description": "of browsers"},
    "device_client": {"type": "string", "description": "of the device flow"},
    "scope": {"type": "string", "description": "what to ask for"},
    "browsers": {"type": "boolean", "description": "whether /v1/auth/oidc/login works"}
  },
  "required": ["issuer", "client", "device_client", "scope", "browsers"],
  "additionalProperties": false
},
"SignOnPlace": {
  "type": "object",
  "properties": {
    "location": {"type": "string", "description": "where the browser has to go"}
  },
  "required": ["location"],
  "additionalProperties": false
},
"Session": {
  "type": "object",
  "properties": {
    "user": {"type": "string"},
    "csrf_token": {"type": "string", "description": "goes into X-CSRF-Token with every change"},
    "expires_at": {"type": "string", "format": "date-time"}
  },
  "required": ["user", "csrf_token", "expires_at"],
  "additionalProperties": false
},
"Quota": {
  "type": "object",
  "properties": {
    "user": {"type": ["string", "null"], "description": "null: everyone, each for itself"},
    "queue": {"type": ["string", "null"], "description": "null: in all queues together"},
    "running_max": {"type": ["integer", "null"]},
    "queued_max": {"type": ["integer", "null"]},
    "cpu_seconds_a_day": {"type": ["integer", "null"]},
    "refuse": {"type": "boolean"},
    "origin": {"enum": ["file", "api"], "description": "the cluster file, or PUT"},
    "version": {"type": ["integer", "null"], "description": "null: of the file"},
    "set_at": {"type": ["string", "null"], "format": "date-time"},
    "set_by": {"type": ["string", "null"]}
  },
  "required": ["user", "queue", "running_max", "queued_max", "cpu_seconds_a_day", "refuse",
               "origin", "version", "set_at", "set_by"],
  "additionalProperties": false
},
"QuotaVersion": {
  "type": "object",
  "properties": {
    "version": {"type": "integer", "description": "grows with every change of this quota"},
    "value": {
      "type": ["object", "null"],
      "description": "null: it was removed",
      "properties": {
        "running_max": {"type": ["integer", "null"]},
        "queued_max": {"type": ["integer", "null"]},
        "cpu_seconds_a_day": {"type": ["integer", "null"]},
        "refuse": {"type": "boolean"}
      },
      "required": ["running_max", "queued_max", "cpu_seconds_a_day", "refuse"],
      "additionalProperties": false
    },
    "set_at": {"type": "string", "format": "date-time"},
    "set_by": {"type": "string"}
  },
  "required": ["version", "value", "set_at", "set_by"],
  "additionalProperties": false
},
"SettingChange": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "before": {"type": "string"},
    "after": {"type": "string"},
    "live": {"type": "boolean", "description": "false: it takes a restart"}
  },
  "required": ["name", "before", "after", "live"],
  "additionalProperties": false
},
"Lock": {
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "limit": {"type": "integer"},
    "in_use": {"type": "integer"}
  },
  "required": ["name", "limit", "in_use"],
  "additionalProperties": false
}
})json";

}  // namespace

std::string_view shown_bodies() { return kShown; }

}  // namespace reeve::api
