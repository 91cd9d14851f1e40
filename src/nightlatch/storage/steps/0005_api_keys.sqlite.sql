-- Step 5, api keys: keys by which programs act for their owners; only hashes of them.
CREATE TABLE nightlatch_api_key (
    id CHAR(32) NOT NULL,
    selector VARCHAR(32) NOT NULL,
    secret_hash BLOB NOT NULL,
    user_id CHAR(32) NOT NULL,
    name VARCHAR(255) NOT NULL,
    scopes TEXT NOT NULL,
    last_used_at DATETIME,
    created_at DATETIME NOT NULL,
    expires_at DATETIME,
    CONSTRAINT pk_nightlatch_api_key PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_api_key_selector UNIQUE (selector),
    CONSTRAINT fk_nightlatch_api_key_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_api_key_user_id ON nightlatch_api_key (user_id);

CREATE INDEX ix_nightlatch_api_key_expires_at ON nightlatch_api_key (expires_at);
