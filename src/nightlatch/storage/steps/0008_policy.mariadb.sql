-- Step 8, policy: what a reauthentication asks for.
ALTER TABLE nightlatch_attempt ADD COLUMN required_phishing_resistant BOOL;
