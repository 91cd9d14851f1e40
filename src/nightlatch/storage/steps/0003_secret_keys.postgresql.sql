-- Step 3, secret keys: which of them are in use on this database, so that one with others is told so.
--
CREATE TABLE nightlatch_secret_key (
    id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_secret_key PRIMARY KEY (id)
);

CREATE INDEX ix_nightlatch_secret_key_created_at ON nightlatch_secret_key (created_at);
