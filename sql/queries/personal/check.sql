select sealed, digest from key_check
