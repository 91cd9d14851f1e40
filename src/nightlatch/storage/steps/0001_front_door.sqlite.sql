-- Step 1, front door: every table of the first release, as it was then.
CREATE TABLE nightlatch_user (
    id CHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL,
    epoch BIGINT NOT NULL,
    username VARCHAR(128),
    email VARCHAR(320),
    name VARCHAR(255),
    roles TEXT NOT NULL,
    external_id VARCHAR(255),
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_user PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_user_external_id UNIQUE (external_id)
);

CREATE INDEX ix_nightlatch_user_created_at ON nightlatch_user (created_at);

CREATE TABLE nightlatch_identifier (
    id CHAR(32) NOT NULL,
    user_id CHAR(32) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    value VARCHAR(320) NOT NULL,
    "key" VARCHAR(320) NOT NULL,
    "primary" BOOLEAN NOT NULL,
    proven_at DATETIME NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_identifier PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_identifier_kind_key UNIQUE (kind, "key"),
    CONSTRAINT fk_nightlatch_identifier_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_identifier_user_id ON nightlatch_identifier (user_id);

CREATE TABLE nightlatch_authenticator (
    id CHAR(32) NOT NULL,
    user_id CHAR(32) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    name VARCHAR(255),
    lookup VARCHAR(512),
    password_hash VARCHAR(512),
    stands_alone BOOLEAN NOT NULL,
    must_change BOOLEAN NOT NULL,
    sealed_secret BLOB,
    public_key BLOB,
    counter BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    retry_at DATETIME,
    details TEXT NOT NULL,
    confirmed_at DATETIME,
    last_used_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_authenticator PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_authenticator_lookup UNIQUE (lookup),
    CONSTRAINT fk_nightlatch_authenticator_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_authenticator_user_id ON nightlatch_authenticator (user_id);

CREATE TABLE nightlatch_attempt (
    id CHAR(32) NOT NULL,
    selector VARCHAR(32) NOT NULL,
    secret_hash BLOB NOT NULL,
    purpose VARCHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL,
    user_id CHAR(32),
    epoch BIGINT,
    session_id CHAR(32),
    device_id CHAR(32),
    identifier_kind VARCHAR(32),
    identifier_key VARCHAR(320),
    sealed_claims BLOB,
    proven BOOLEAN NOT NULL,
    evidence TEXT NOT NULL,
    required_aal BIGINT NOT NULL,
    sequence TEXT NOT NULL,
    step VARCHAR(16) NOT NULL,
    codes_sent BIGINT NOT NULL,
    deliver VARCHAR(16) NOT NULL,
    return_to TEXT,
    ip VARCHAR(64),
    user_agent VARCHAR(400),
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_attempt PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_attempt_selector UNIQUE (selector)
);

CREATE INDEX ix_nightlatch_attempt_expires_at ON nightlatch_attempt (expires_at);

CREATE INDEX ix_nightlatch_attempt_user_id ON nightlatch_attempt (user_id);

CREATE TABLE nightlatch_one_time_secret (
    id CHAR(32) NOT NULL,
    purpose VARCHAR(32) NOT NULL,
    attempt_id CHAR(32),
    user_id CHAR(32),
    channel VARCHAR(16) NOT NULL,
    destination_key VARCHAR(320) NOT NULL,
    code_hash BLOB,
    link_selector VARCHAR(32),
    link_secret_hash BLOB,
    tries BIGINT NOT NULL,
    used_at DATETIME,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_one_time_secret PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_one_time_secret_link_selector UNIQUE (link_selector),
    CONSTRAINT fk_nightlatch_one_time_secret_attempt_id FOREIGN KEY (attempt_id) REFERENCES nightlatch_attempt (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_one_time_secret_attempt_id ON nightlatch_one_time_secret (attempt_id);

CREATE INDEX ix_nightlatch_one_time_secret_expires_at ON nightlatch_one_time_secret (expires_at);

CREATE INDEX ix_nightlatch_one_time_secret_purpose_destination_key ON nightlatch_one_time_secret (purpose, destination_key);

CREATE TABLE nightlatch_session (
    id CHAR(32) NOT NULL,
    selector VARCHAR(32) NOT NULL,
    secret_hash BLOB NOT NULL,
    user_id CHAR(32) NOT NULL,
    epoch BIGINT NOT NULL,
    deliver VARCHAR(16) NOT NULL,
    aal BIGINT NOT NULL,
    amr TEXT NOT NULL,
    evidence TEXT NOT NULL,
    phishing_resistant BOOLEAN NOT NULL,
    authenticated_at DATETIME NOT NULL,
    binding TEXT NOT NULL,
    device_id CHAR(32),
    ip VARCHAR(64),
    user_agent VARCHAR(400),
    username VARCHAR(128),
    email VARCHAR(320),
    roles TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    last_seen_at DATETIME NOT NULL,
    idle_expires_at DATETIME,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_session PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_session_selector UNIQUE (selector),
    CONSTRAINT fk_nightlatch_session_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_session_user_id ON nightlatch_session (user_id);

CREATE INDEX ix_nightlatch_session_expires_at ON nightlatch_session (expires_at);

CREATE TABLE nightlatch_token_family (
    id CHAR(32) NOT NULL,
    selector VARCHAR(32) NOT NULL,
    session_id CHAR(32) NOT NULL,
    user_id CHAR(32) NOT NULL,
    epoch BIGINT NOT NULL,
    secret_hash BLOB NOT NULL,
    generation BIGINT NOT NULL,
    binding TEXT NOT NULL,
    rotated_at DATETIME,
    revoked_at DATETIME,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_token_family PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_token_family_selector UNIQUE (selector),
    CONSTRAINT fk_nightlatch_token_family_session_id FOREIGN KEY (session_id) REFERENCES nightlatch_session (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_token_family_session_id ON nightlatch_token_family (session_id);

CREATE INDEX ix_nightlatch_token_family_user_id ON nightlatch_token_family (user_id);

CREATE INDEX ix_nightlatch_token_family_expires_at ON nightlatch_token_family (expires_at);

CREATE TABLE nightlatch_device (
    id CHAR(32) NOT NULL,
    selector VARCHAR(32) NOT NULL,
    secret_hash BLOB NOT NULL,
    user_id CHAR(32) NOT NULL,
    failures BIGINT NOT NULL,
    user_agent VARCHAR(400),
    created_at DATETIME NOT NULL,
    last_seen_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_device PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_device_selector UNIQUE (selector),
    CONSTRAINT fk_nightlatch_device_user_id FOREIGN KEY (user_id) REFERENCES nightlatch_user (id) ON DELETE CASCADE
);

CREATE INDEX ix_nightlatch_device_user_id ON nightlatch_device (user_id);

CREATE INDEX ix_nightlatch_device_expires_at ON nightlatch_device (expires_at);

CREATE TABLE nightlatch_throttle_counter (
    id CHAR(32) NOT NULL,
    count BIGINT NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_throttle_counter PRIMARY KEY (id)
);

CREATE INDEX ix_nightlatch_throttle_counter_expires_at ON nightlatch_throttle_counter (expires_at);

CREATE TABLE nightlatch_event (
    id CHAR(32) NOT NULL,
    at DATETIME NOT NULL,
    action VARCHAR(64) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    reason VARCHAR(255),
    user_id CHAR(32),
    actor_id CHAR(32),
    session_id CHAR(32),
    attempt_id CHAR(32),
    identifier_hash BLOB,
    ip VARCHAR(64),
    user_agent VARCHAR(400),
    request_id VARCHAR(64),
    count BIGINT NOT NULL,
    details TEXT NOT NULL,
    mac BLOB,
    seal_id CHAR(32),
    CONSTRAINT pk_nightlatch_event PRIMARY KEY (id)
);

CREATE INDEX ix_nightlatch_event_user_id_at ON nightlatch_event (user_id, at);

CREATE INDEX ix_nightlatch_event_at ON nightlatch_event (at);

CREATE INDEX ix_nightlatch_event_action_at ON nightlatch_event (action, at);

CREATE TABLE nightlatch_outbox_message (
    id CHAR(32) NOT NULL,
    channel VARCHAR(16) NOT NULL,
    template VARCHAR(64) NOT NULL,
    user_id CHAR(32),
    recipient_hash BLOB NOT NULL,
    sealed_body BLOB,
    decoy BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL,
    due_at DATETIME,
    leased_until_at DATETIME,
    lease_id CHAR(32),
    last_error VARCHAR(255),
    delivered_at DATETIME,
    expires_at DATETIME,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_outbox_message PRIMARY KEY (id)
);

CREATE INDEX ix_nightlatch_outbox_message_due_at ON nightlatch_outbox_message (due_at);

CREATE INDEX ix_nightlatch_outbox_message_recipient_hash_created_at ON nightlatch_outbox_message (recipient_hash, created_at);

CREATE TABLE nightlatch_lease (
    id CHAR(32) NOT NULL,
    holder_id CHAR(32) NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_lease PRIMARY KEY (id)
);

CREATE TABLE nightlatch_schema_step (
    id CHAR(32) NOT NULL,
    number BIGINT NOT NULL,
    name VARCHAR(255) NOT NULL,
    tool VARCHAR(16) NOT NULL,
    done_at DATETIME NOT NULL,
    CONSTRAINT pk_nightlatch_schema_step PRIMARY KEY (id),
    CONSTRAINT uq_nightlatch_schema_step_number UNIQUE (number)
);
