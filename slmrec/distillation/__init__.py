"""SLMRec, section 3.3: what the student imitates, and its objective."""
