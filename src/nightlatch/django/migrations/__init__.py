"""The ladder, as Django climbs it. What a step does stands in ``storage/steps``."""
