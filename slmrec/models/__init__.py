"""The networks: LLaMA decoder, SASRec, their item embedding; saved and loaded."""
