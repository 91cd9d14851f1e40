-- Step 4, signing keys: the keys that sign access tokens, sealed.
CREATE TABLE nightlatch_signing_key (
    id UUID NOT NULL,
    generation BIGINT NOT NULL,
    kid VARCHAR(64) COLLATE utf8mb4_nopad_bin NOT NULL,
    algorithm VARCHAR(16) COLLATE utf8mb4_nopad_bin NOT NULL,
    sealed_private_key LONGBLOB NOT NULL,
    public_jwk LONGTEXT COLLATE utf8mb4_nopad_bin NOT NULL,
    signs_from_at DATETIME(6) NOT NULL,
    revoked_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT pk_nightlatch_signing_key PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_signing_key_generation UNIQUE (generation),
    CONSTRAINT uq_nightlatch_signing_key_kid UNIQUE (kid)
);
