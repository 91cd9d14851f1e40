-- Step 8, audit seals: signed roots over the events, and what each event needs to be proven once it was erased.
ALTER TABLE nightlatch_event ADD COLUMN number BIGINT;

ALTER TABLE nightlatch_event ADD COLUMN salt BYTEA;

ALTER TABLE nightlatch_event ADD COLUMN personal_hash BYTEA;

CREATE INDEX ix_nightlatch_event_seal_id_at ON nightlatch_event (seal_id, at);

CREATE TABLE nightlatch_seal (
    id UUID NOT NULL,
    number BIGINT NOT NULL,
    size BIGINT NOT NULL,
    newest_at TIMESTAMP WITH TIME ZONE NOT NULL,
    root_hash BYTEA NOT NULL,
    previous_hash BYTEA NOT NULL,
    public_key BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    leaves BYTEA,
    dropped_at TIMESTAMP WITH TIME ZONE,
    drop_mac BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_seal PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_seal_number UNIQUE (number)
);
