"""One model trained or read: batches, the loop, its curve. Needs torch, transformers and numpy."""
