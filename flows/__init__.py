"""When and where stages run. No machine learning in here."""
