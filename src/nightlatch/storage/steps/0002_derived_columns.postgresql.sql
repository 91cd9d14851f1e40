-- Step 2, derived columns: what Django's own code filters users by, computed from `status` and `roles`.
-- A role counts where its whole name stands in the list; a quote inside a name is written \" and never matches.
ALTER TABLE nightlatch_user ADD COLUMN is_active BOOLEAN GENERATED ALWAYS AS (status = 'active') STORED;

ALTER TABLE nightlatch_user ADD COLUMN is_staff BOOLEAN GENERATED ALWAYS AS (replace(replace(replace(replace(roles, '["admin"', ''), ',"admin"', ''), '["staff"', ''), ',"staff"', '') <> roles) STORED;

ALTER TABLE nightlatch_user ADD COLUMN is_superuser BOOLEAN GENERATED ALWAYS AS (replace(replace(roles, '["admin"', ''), ',"admin"', '') <> roles) STORED;
