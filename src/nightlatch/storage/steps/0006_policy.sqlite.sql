-- Step 6, policy: what is asked of a user and of a reauthentication, and until when sign-in goes on without.
ALTER TABLE nightlatch_user ADD COLUMN required_aal BIGINT;

ALTER TABLE nightlatch_user ADD COLUMN enrolment_asked_at DATETIME;

ALTER TABLE nightlatch_session ADD COLUMN enrol_by DATETIME;

ALTER TABLE nightlatch_attempt ADD COLUMN required_phishing_resistant BOOLEAN;
