"""Smaller models from tuned ones: pruning, quantization, distillation, and what each saves."""
