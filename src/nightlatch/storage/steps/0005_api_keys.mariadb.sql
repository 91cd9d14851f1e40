-- Step 5, api keys: keys by which programs act for their owners; only hashes of them.
CREATE TABLE nightlatch_api_key (
    id UUID NOT NULL,
    selector VARCHAR(32) COLLATE utf8mb4_nopad_bin NOT NULL,
    secret_hash VARBINARY(32) NOT NULL,
    user_id UUID NOT NULL,
    name VARCHAR(255) COLLATE utf8mb4_nopad_bin NOT NULL,
    scopes LONGTEXT COLLATE utf8mb4_nopad_bin NOT NULL,
    last_used_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6),
    CONSTRAINT pk_nightlatch_api_key PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_api_key_selector UNIQUE (selector),
    CONSTRAINT fk_nightlatch_api_key_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_api_key_user_id ON nightlatch_api_key (user_id);

CREATE INDEX ix_nightlatch_api_key_expires_at ON nightlatch_api_key (expires_at);
