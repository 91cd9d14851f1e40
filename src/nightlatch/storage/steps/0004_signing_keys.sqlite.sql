-- Step 4, signing keys: the keys that sign access tokens, sealed.
CREATE TABLE nightlatch_signing_key (
    id CHAR(32) NOT NULL,
    generation BIGINT NOT NULL,
    kid VARCHAR(64) NOT NULL,
    algorithm VARCHAR(16) NOT NULL,
    sealed_private_key BLOB NOT NULL,
    public_jwk TEXT NOT NULL,
    signs_from_at DATETIME NOT NULL,
    revoked_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_signing_key PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_signing_key_generation UNIQUE (generation),
    CONSTRAINT uq_nightlatch_signing_key_kid UNIQUE (kid)
);
