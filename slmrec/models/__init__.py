"""The networks: LLaMA decoder, SASRec, the item embedding they share, and how they lie on disk."""
