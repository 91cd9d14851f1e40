-- Step 8, audit seals: signed roots over the events, and what each event needs to be proven once it was erased.
ALTER TABLE nightlatch_event ADD COLUMN number BIGINT;

ALTER TABLE nightlatch_event ADD COLUMN salt BLOB;

ALTER TABLE nightlatch_event ADD COLUMN personal_hash BLOB;

CREATE INDEX ix_nightlatch_event_seal_id_at ON nightlatch_event (seal_id, at);

CREATE TABLE nightlatch_seal (
    id CHAR(32) NOT NULL,
    number BIGINT NOT NULL,
    size BIGINT NOT NULL,
    newest_at DATETIME NOT NULL,
    root_hash BLOB NOT NULL,
    previous_hash BLOB NOT NULL,
    public_key BLOB NOT NULL,
    signature BLOB NOT NULL,
    leaves BLOB,
    dropped_at DATETIME,
    drop_mac BLOB,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_seal PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_seal_number UNIQUE (number)
);
