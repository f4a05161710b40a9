PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE attempts (
  task INTEGER NOT NULL,
  number INTEGER NOT NULL,
  token INTEGER NOT NULL,
  pool INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  code INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  reason_a INTEGER NOT NULL,
  reason_b INTEGER NOT NULL,
  placed INTEGER NOT NULL,
  placed_a INTEGER NOT NULL,
  placed_b INTEGER NOT NULL,
  next INTEGER NOT NULL,
  next_a INTEGER NOT NULL,
  next_b INTEGER NOT NULL,
  queued_at INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  user_cpu INTEGER NOT NULL,
  system_cpu INTEGER NOT NULL,
  memory_peak_bytes INTEGER NOT NULL,
  read_bytes INTEGER NOT NULL,
  written_bytes INTEGER NOT NULL,
  context_switches INTEGER NOT NULL,
  output_bytes INTEGER NOT NULL,
  message TEXT, tier INTEGER NOT NULL DEFAULT 0, score BLOB,
  PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;
INSERT INTO attempts VALUES(4294967296,1,6,0,1,0,20,0,0,0,0,0,0,0,0,NULL,NULL,1764000000500000,1200,0,0,0,0,0,0,'fine',1,NULL);
CREATE TABLE estimates (
  id INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  used INTEGER NOT NULL,
  workflow TEXT NOT NULL,
  task TEXT NOT NULL,
  seconds_count INTEGER NOT NULL,
  seconds_weight REAL NOT NULL,
  seconds_mean REAL NOT NULL,
  seconds_variance REAL NOT NULL,
  memory_count INTEGER NOT NULL,
  memory_weight REAL NOT NULL,
  memory_mean REAL NOT NULL,
  memory_variance REAL NOT NULL,
  ends REAL NOT NULL,
  failed REAL NOT NULL,
  signalled REAL NOT NULL,
  timed_out REAL NOT NULL,
  out_of_memory REAL NOT NULL,
  lost REAL NOT NULL,
  rejected REAL NOT NULL,
  start_failed REAL NOT NULL
) STRICT;
INSERT INTO estimates VALUES(1,77,1,'sim','work',1,1.0,0.5,0.0,1,1.0,20.0,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0);
CREATE TABLE expansions (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs,
  group_index INTEGER NOT NULL,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  items TEXT NOT NULL
) STRICT;
INSERT INTO expansions VALUES(1,1,0,0,2,'["a","b"]');
CREATE TABLE journal (
  step INTEGER PRIMARY KEY,
  now INTEGER NOT NULL,
  last_token INTEGER NOT NULL,
  effects BLOB NOT NULL,
  chain BLOB NOT NULL,
  events BLOB NOT NULL
) STRICT;
INSERT INTO journal VALUES(1,1764000000000001,6,X'17d8d26bbaa82f4d1e4b16ffb26aa8cd1ffbb938228790201937dd389c7cc0fa',X'0211b4310482f8c69c73cb67576e3be487a61373b76e8742e88a71ee24acf7c8',X'666972737420626f6479');
INSERT INTO journal VALUES(2,1764000000000002,7,X'36a60a20690481e4f7ec0a6a166cc1cf603e3c87d51416ed55fcf819639e35cd',X'3aed5123b3c4db25e1c0ba591331cc7d5fea727a92e4b32b4983f3c85c0b3697',X'7365636f6e6420626f6479');
CREATE TABLE origins (
  id INTEGER PRIMARY KEY,
  directory TEXT NOT NULL,
  submitter TEXT NOT NULL,
  UNIQUE (directory, submitter)
) STRICT;
INSERT INTO origins VALUES(1,'/home/a','a');
CREATE TABLE run_texts (
  run INTEGER PRIMARY KEY REFERENCES runs,
  name TEXT,
  labels TEXT,
  idempotency_key TEXT,
  outputs TEXT,
  cancel_reason TEXT
) STRICT;
INSERT INTO run_texts VALUES(1,'nightly','{"team":"sim"}',NULL,NULL,NULL);
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  interrupted INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  round INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  reason_a INTEGER NOT NULL,
  reason_b INTEGER NOT NULL,
  workflow INTEGER NOT NULL REFERENCES workflows,
  origin INTEGER NOT NULL REFERENCES origins,
  submitted_at INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  uuid BLOB NOT NULL,
  inputs TEXT
) STRICT;
INSERT INTO runs VALUES(1,1,0,0,0,0,1,0,0,0,1,1,1764000000001000,NULL,NULL,X'019ab697e80170008000000000001001','{"n":3}');
INSERT INTO runs VALUES(2,2,0,0,0,0,1,0,0,0,1,1,1764000000002000,NULL,NULL,X'019ab697e80270008000000000001002',NULL);
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  group_index INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  code INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  percent INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  reason_a INTEGER NOT NULL,
  reason_b INTEGER NOT NULL,
  token INTEGER NOT NULL,
  since INTEGER,
  wake_at INTEGER,
  queued_at INTEGER,
  started_at INTEGER,
  extra BLOB
, batch INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO tasks VALUES(4294967296,8,0,1,0,0,-1,1,0,20,0,0,6,1764000000500000,NULL,NULL,NULL,X'08000100000000000004646f6e650106616e7377657202343201067265706f7274062f7372762f78',0);
INSERT INTO tasks VALUES(4294967297,3,0,0,0,0,-1,0,0,0,0,0,7,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE workflows (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  origin TEXT NOT NULL,
  source TEXT NOT NULL
) STRICT;
INSERT INTO workflows VALUES(1,X'892ec53c8faad78e37cc49a3dbbd10356c25298353d95275ce4f8377328023c7','plain','plain.yaml',replace('name: plain\ntasks:\n  one:\n    run: ''true''\n','\n',char(10)));
CREATE TABLE usage (
  queue TEXT NOT NULL,
  is_user INTEGER NOT NULL,
  user TEXT NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (queue, is_user, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE drains (
  node TEXT PRIMARY KEY,
  record BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_open ON runs (id) WHERE state < 2;
CREATE UNIQUE INDEX run_texts_idempotency_key ON run_texts (idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX expansions_run ON expansions (run);
COMMIT;
PRAGMA application_id = 0x52454556;
PRAGMA user_version = 6;
