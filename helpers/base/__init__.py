"""Files, provenance, determinism: what both towers stand on."""
