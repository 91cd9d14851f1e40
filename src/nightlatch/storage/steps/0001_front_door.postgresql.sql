-- Step 1, front door: every table of the first release, as it was then.
CREATE TABLE nightlatch_user (
    id UUID NOT NULL,
    status VARCHAR(16) COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    username VARCHAR(128) COLLATE "C",
    email VARCHAR(320) COLLATE "C",
    name VARCHAR(255) COLLATE "C",
    roles TEXT COLLATE "C" NOT NULL,
    external_id VARCHAR(255) COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_user PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_user_external_id UNIQUE (external_id)
);

CREATE INDEX ix_nightlatch_user_created_at ON nightlatch_user (created_at);

CREATE TABLE nightlatch_identifier (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    kind VARCHAR(32) COLLATE "C" NOT NULL,
    value VARCHAR(320) COLLATE "C" NOT NULL,
    key VARCHAR(320) COLLATE "C" NOT NULL,
    "primary" BOOLEAN NOT NULL,
    proven_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_identifier PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_identifier_kind_key UNIQUE (kind, key),
    CONSTRAINT fk_nightlatch_identifier_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_identifier_user_id ON nightlatch_identifier (user_id);

CREATE TABLE nightlatch_authenticator (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    kind VARCHAR(32) COLLATE "C" NOT NULL,
    name VARCHAR(255) COLLATE "C",
    lookup VARCHAR(512) COLLATE "C",
    password_hash VARCHAR(512) COLLATE "C",
    stands_alone BOOLEAN NOT NULL,
    must_change BOOLEAN NOT NULL,
    sealed_secret BYTEA,
    public_key BYTEA,
    counter BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    retry_at TIMESTAMP WITH TIME ZONE,
    details TEXT COLLATE "C" NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_authenticator PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_authenticator_lookup UNIQUE (lookup),
    CONSTRAINT fk_nightlatch_authenticator_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_authenticator_user_id ON nightlatch_authenticator (user_id);

CREATE TABLE nightlatch_attempt (
    id UUID NOT NULL,
    selector VARCHAR(32) COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL,
    purpose VARCHAR(32) COLLATE "C" NOT NULL,
    status VARCHAR(16) COLLATE "C" NOT NULL,
    user_id UUID,
    epoch BIGINT,
    session_id UUID,
    device_id UUID,
    identifier_kind VARCHAR(32) COLLATE "C",
    identifier_key VARCHAR(320) COLLATE "C",
    sealed_claims BYTEA,
    proven BOOLEAN NOT NULL,
    evidence TEXT COLLATE "C" NOT NULL,
    required_aal BIGINT NOT NULL,
    sequence TEXT COLLATE "C" NOT NULL,
    step VARCHAR(16) COLLATE "C" NOT NULL,
    codes_sent BIGINT NOT NULL,
    deliver VARCHAR(16) COLLATE "C" NOT NULL,
    return_to TEXT COLLATE "C",
    ip VARCHAR(64) COLLATE "C",
    user_agent VARCHAR(400) COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_attempt PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_attempt_selector UNIQUE (selector)
);

CREATE INDEX ix_nightlatch_attempt_expires_at ON nightlatch_attempt (expires_at);

CREATE INDEX ix_nightlatch_attempt_user_id ON nightlatch_attempt (user_id);

CREATE TABLE nightlatch_one_time_secret (
    id UUID NOT NULL,
    purpose VARCHAR(32) COLLATE "C" NOT NULL,
    attempt_id UUID,
    user_id UUID,
    channel VARCHAR(16) COLLATE "C" NOT NULL,
    destination_key VARCHAR(320) COLLATE "C" NOT NULL,
    code_hash BYTEA,
    link_selector VARCHAR(32) COLLATE "C",
    link_secret_hash BYTEA,
    tries BIGINT NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_one_time_secret PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_one_time_secret_link_selector UNIQUE (link_selector),
    CONSTRAINT fk_nightlatch_one_time_secret_attempt_id FOREIGN KEY (attempt_id) REFERENCES nightlatch_attempt (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_one_time_secret_attempt_id ON nightlatch_one_time_secret (attempt_id);

CREATE INDEX ix_nightlatch_one_time_secret_expires_at ON nightlatch_one_time_secret (expires_at);

CREATE INDEX ix_nightlatch_one_time_secret_purpose_destination_key ON nightlatch_one_time_secret (purpose, destination_key);

CREATE TABLE nightlatch_session (
    id UUID NOT NULL,
    selector VARCHAR(32) COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL,
    user_id UUID NOT NULL,
    epoch BIGINT NOT NULL,
    deliver VARCHAR(16) COLLATE "C" NOT NULL,
    aal BIGINT NOT NULL,
    amr TEXT COLLATE "C" NOT NULL,
    evidence TEXT COLLATE "C" NOT NULL,
    phishing_resistant BOOLEAN NOT NULL,
    authenticated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    binding TEXT COLLATE "C" NOT NULL,
    device_id UUID,
    ip VARCHAR(64) COLLATE "C",
    user_agent VARCHAR(400) COLLATE "C",
    username VARCHAR(128) COLLATE "C",
    email VARCHAR(320) COLLATE "C",
    roles TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    idle_expires_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_session PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_session_selector UNIQUE (selector),
    CONSTRAINT fk_nightlatch_session_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_session_user_id ON nightlatch_session (user_id);

CREATE INDEX ix_nightlatch_session_expires_at ON nightlatch_session (expires_at);

CREATE TABLE nightlatch_token_family (
    id UUID NOT NULL,
    selector VARCHAR(32) COLLATE "C" NOT NULL,
    session_id UUID NOT NULL,
    user_id UUID NOT NULL,
    epoch BIGINT NOT NULL,
    secret_hash BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    binding TEXT COLLATE "C" NOT NULL,
    rotated_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_token_family PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_token_family_selector UNIQUE (selector),
    CONSTRAINT fk_nightlatch_token_family_session_id FOREIGN KEY (session_id) REFERENCES nightlatch_session (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_token_family_session_id ON nightlatch_token_family (session_id);

CREATE INDEX ix_nightlatch_token_family_user_id ON nightlatch_token_family (user_id);

CREATE INDEX ix_nightlatch_token_family_expires_at ON nightlatch_token_family (expires_at);

CREATE TABLE nightlatch_device (
    id UUID NOT NULL,
    selector VARCHAR(32) COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL,
    user_id UUID NOT NULL,
    failures BIGINT NOT NULL,
    user_agent VARCHAR(400) COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_device PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_device_selector UNIQUE (selector),
    CONSTRAINT fk_nightlatch_device_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_device_user_id ON nightlatch_device (user_id);

CREATE INDEX ix_nightlatch_device_expires_at ON nightlatch_device (expires_at);

CREATE TABLE nightlatch_throttle_counter (
    id UUID NOT NULL,
    count BIGINT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_throttle_counter PRIMARY KEY (id)
);

CREATE INDEX ix_nightlatch_throttle_counter_expires_at ON nightlatch_throttle_counter (expires_at);

CREATE TABLE nightlatch_event (
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    action VARCHAR(64) COLLATE "C" NOT NULL,
    outcome VARCHAR(16) COLLATE "C" NOT NULL,
    reason VARCHAR(255) COLLATE "C",
    user_id UUID,
    actor_id UUID,
    session_id UUID,
    attempt_id UUID,
    identifier_hash BYTEA,
    ip VARCHAR(64) COLLATE "C",
    user_agent VARCHAR(400) COLLATE "C",
    request_id VARCHAR(64) COLLATE "C",
    count BIGINT NOT NULL,
    details TEXT COLLATE "C" NOT NULL,
    mac BYTEA,
    seal_id UUID,
    CONSTRAINT pk_nightlatch_event PRIMARY KEY (id)
);

CREATE INDEX ix_nightlatch_event_user_id_at ON nightlatch_event (user_id, at);

CREATE INDEX ix_nightlatch_event_at ON nightlatch_event (at);

CREATE INDEX ix_nightlatch_event_action_at ON nightlatch_event (action, at);

CREATE TABLE nightlatch_outbox_message (
    id UUID NOT NULL,
    channel VARCHAR(16) COLLATE "C" NOT NULL,
    template VARCHAR(64) COLLATE "C" NOT NULL,
    user_id UUID,
    recipient_hash BYTEA NOT NULL,
    sealed_body BYTEA,
    decoy BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    leased_until_at TIMESTAMP WITH TIME ZONE,
    lease_id UUID,
    last_error VARCHAR(255) COLLATE "C",
    delivered_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_outbox_message PRIMARY KEY (id)
);

CREATE INDEX ix_nightlatch_outbox_message_due_at ON nightlatch_outbox_message (due_at);

CREATE INDEX ix_nightlatch_outbox_message_recipient_hash_created_at ON nightlatch_outbox_message (recipient_hash, created_at);

CREATE TABLE nightlatch_lease (
    id UUID NOT NULL,
    holder_id UUID NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_lease PRIMARY KEY (id)
);

CREATE TABLE nightlatch_schema_step (
    id UUID NOT NULL,
    number BIGINT NOT NULL,
    name VARCHAR(255) COLLATE "C" NOT NULL,
    tool VARCHAR(16) COLLATE "C" NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_nightlatch_schema_step PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_schema_step_number UNIQUE (number)
);
