-- Step 7, remembered devices: until when an idle session's browser asks for one factor alone.
ALTER TABLE nightlatch_session ADD COLUMN remembered_until_at DATETIME;
