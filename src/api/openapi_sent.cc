// Schemas of what is sent to the service.
#include "api/openapi_bodies.h"

namespace reeve::api {
namespace {

constexpr std::string_view kSent = R"json({
"Any": {"type": "object"},
"Text": {"type": "string"},
"Bytes": {"type": "string", "contentMediaType": "application/octet-stream"},
"Submission": {
  "type": "object",
  "description": "a workflow, the name of one that has been run, or a command",
  "properties": {
    "workflow": {"type": ["string", "object"], "description": "YAML text, or the same as JSON"},
    "workflow_name": {"type": "string",
                      "description": "one that has been run in the namespace; not in a bulk"},
    "version": {"type": "integer", "minimum": 1, "maximum": 2147483647,
                "description": "of workflow_name; usual: the newest"},
    "command": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    "inputs": {"type": "object", "description": "of the workflow"},
    "env": {"type": "object", "additionalProperties": {"type": "string"},
            "description": "of the command"},
    "timeout": {"type": "string", "description": "of the command: 10m"},
    "retry": {"type": "integer", "minimum": 0, "maximum": 1000,
              "description": "of the command: tries beside the first"},
    "resources": {"type": "object", "description": "of the command, as in a workflow"},
    "array": {"type": "string", "description": "of the command: 0-9, 1-100:2"},
    "name": {"type": "string", "maxLength": 200},
    "namespace": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "priority": {"type": "integer", "minimum": -1000000, "maximum": 1000000},
    "directory": {"type": "string",
                  "description": "of the machine, for administrators; usual: the namespace's own"},
    "after": {
      "type": "array", "maxItems": 256,
      "description": "does not start before these have ended; cancelled if one ends otherwise",
      "items": {
        "type": "object",
        "properties": {
          "run": {"type": "string", "minLength": 1, "maxLength": 100,
                  "description": "of which there is already one: as in a path"},
          "condition": {"enum": ["success", "failure", "end"], "default": "success",
                        "description": "failure: any end but success"}
        },
        "required": ["run"],
        "additionalProperties": false
      }
    }
  },
  "oneOf": [{"required": ["workflow"]}, {"required": ["workflow_name"]},
            {"required": ["command"]}],
  "additionalProperties": false
},
"WorkflowText": {
  "type": "object",
  "properties": {
    "workflow": {"type": "string", "description": "YAML text"},
    "inputs": {"type": "object", "description": "for a plan"}
  },
  "required": ["workflow"],
  "additionalProperties": false
},
"Cancel": {
  "type": "object",
  "properties": {
    "task": {"type": "string", "description": "a task or a group; usual: the whole run"},
    "reason": {"type": "string"},
    "grace_seconds": {"type": "number", "minimum": 0, "maximum": 86400},
    "kill": {"type": "boolean", "description": "SIGKILL at once; finally tasks do not run"}
  },
  "additionalProperties": false
},
"Retry": {
  "type": "object",
  "properties": {
    "from": {"type": "string", "description": "this group and all after it; usual: what failed"},
    "hold_seconds": {"type": "number", "minimum": 0, "maximum": 604800,
                     "description": "keep sandboxes of tasks that fail open for so long"}
  },
  "additionalProperties": false
},
"OfTask": {
  "type": "object",
  "properties": {"task": {"type": "string"}},
  "additionalProperties": false
},
"NewToken": {
  "type": "object",
  "properties": {
    "label": {"type": "string", "minLength": 1, "maxLength": 100},
    "role": {"type": "string", "default": "viewer"},
    "namespaces": {"type": "array", "items": {"type": "string"}, "description": "or [*] for all"},
    "actions": {"type": "array", "items": {"type": "string"},
                "description": "of the role only these"},
    "expires_in_seconds": {"type": "number", "minimum": 0}
  },
  "required": ["label"],
  "additionalProperties": false
},
"Rotation": {
  "type": "object",
  "properties": {
    "overlap_seconds": {"type": "number", "minimum": 0, "maximum": 2592000,
                        "description": "the old one goes on for so long"}
  },
  "additionalProperties": false
},
"NewSecret": {
  "type": "object",
  "properties": {
    "value": {"type": "string"},
    "encoding": {"enum": ["text", "base64"],
                 "description": "of value: base64 for what is no text; usual: text"}
  },
  "required": ["value"],
  "additionalProperties": false
},
"NewFlag": {
  "type": "object",
  "properties": {
    "name": {"type": "string", "description": "as in the path"},
    "description": {"type": "string"},
    "on": {"type": "boolean"},
    "rollout_percent": {"type": "number", "minimum": 0, "maximum": 100},
    "rules": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "namespaces": {"type": "array", "items": {"type": "string"}},
          "labels": {"type": "object", "additionalProperties": {"type": "string"}},
          "rollout_percent": {"type": "number", "minimum": 0, "maximum": 100}
        },
        "additionalProperties": false
      }
    }
  },
  "additionalProperties": false
},
"NewSetting": {
  "type": "object",
  "properties": {
    "value": {
      "type": ["string", "integer", "boolean"],
      "description": "as the environment would have it, or as JSON"
    }
  },
  "required": ["value"],
  "additionalProperties": false
},
"NewQuota": {
  "type": "object",
  "properties": {
    "running_max": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "queued_max": {"type": "integer", "minimum": 0},
    "cpu_seconds_a_day": {"type": "integer", "minimum": 0, "maximum": 1000000000000},
    "refuse": {"type": "boolean",
               "description": "beyond cpu_seconds_a_day: refused instead of waiting"}
  },
  "additionalProperties": false
},
"NewRole": {
  "type": "object",
  "properties": {"actions": {"type": "array", "items": {"type": "string"}}},
  "required": ["actions"],
  "additionalProperties": false
},
"UseReply": {
  "type": "object",
  "properties": {
    "version": {"const": 1},
    "use": {"type": "array", "items": {"$ref": "#/components/schemas/Use"}},
    "left_out": {"type": "integer", "description": "attempts that use less, and are not shown"}
  },
  "required": ["version", "use", "left_out"],
  "additionalProperties": false
},
"DrainNode": {
  "type": "object",
  "properties": {
    "stop": {"type": "boolean", "description": "what runs there is stopped, and queued again"},
    "grace_seconds": {"type": "number", "minimum": 0, "maximum": 86400,
      "description": "from SIGTERM to SIGKILL; usual: that of each task"},
    "why": {"type": "string", "maxLength": 4096}
  },
  "additionalProperties": false
},
"NewUser": {
  "type": "object",
  "properties": {
    "password": {"type": "string", "minLength": 8, "maxLength": 1024},
    "role": {"type": "string"},
    "namespaces": {"type": "array", "items": {"type": "string"}},
    "actions": {"type": "array", "items": {"type": "string"},
                "description": "of the role only these"},
    "disabled": {"type": "boolean"}
  },
  "additionalProperties": false
},
"Login": {
  "type": "object",
  "properties": {"user": {"type": "string"}, "password": {"type": "string"}},
  "required": ["user", "password"],
  "additionalProperties": false
},
"Exchange": {
  "type": "object",
  "properties": {
    "id_token": {"type": "string", "maxLength": 16384,
                 "description": "of the issuer and for the client that /v1/auth/oidc names"},
    "role": {"type": "string", "description": "one that the groups give; usual: the first"}
  },
  "required": ["id_token"],
  "additionalProperties": false
},
"Approve": {
  "type": "object",
  "properties": {
    "task": {"type": "string"},
    "approved": {"type": "boolean", "default": true}
  },
  "required": ["task"],
  "additionalProperties": false
}
})json";

}  // namespace

std::string_view sent_schemas() { return kSent; }

}  // namespace reeve::api
