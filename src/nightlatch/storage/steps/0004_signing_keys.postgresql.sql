-- Step 4, signing keys: the keys that sign access tokens, sealed.
CREATE TABLE nightlatch_signing_key (
    id UUID NOT NULL,
    generation BIGINT NOT NULL,
    kid VARCHAR(64) COLLATE "C" NOT NULL,
    algorithm VARCHAR(16) COLLATE "C" NOT NULL,
    sealed_private_key BYTEA NOT NULL,
    public_jwk TEXT COLLATE "C" NOT NULL,
    signs_from_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_signing_key PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_signing_key_generation UNIQUE (generation),
    CONSTRAINT uq_nightlatch_signing_key_kid UNIQUE (kid)
);
