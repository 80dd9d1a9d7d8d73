"""AutoTVM's concepts, names and log format, for schedules of matrix products."""
