"""What a notebook calls first and last: parameters in, one record out."""
