-- Step 8, audit seals: signed roots over the events, and what each event needs to be proven once it was erased.
ALTER TABLE nightlatch_event ADD COLUMN number BIGINT;

ALTER TABLE nightlatch_event ADD COLUMN salt LONGBLOB;

ALTER TABLE nightlatch_event ADD COLUMN personal_hash VARBINARY(32);

CREATE INDEX ix_nightlatch_event_seal_id_at ON nightlatch_event (seal_id, at);

CREATE TABLE nightlatch_seal (
    id UUID NOT NULL,
    number BIGINT NOT NULL,
    size BIGINT NOT NULL,
    newest_at DATETIME(6) NOT NULL,
    root_hash VARBINARY(32) NOT NULL,
    previous_hash VARBINARY(32) NOT NULL,
    public_key LONGBLOB NOT NULL,
    signature LONGBLOB NOT NULL,
    leaves LONGBLOB,
    dropped_at DATETIME(6),
    drop_mac LONGBLOB,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT pk_nightlatch_seal PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_seal_number UNIQUE (number)
);
