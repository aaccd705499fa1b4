"""The report: every model, baselines, intervals over users, timing."""
