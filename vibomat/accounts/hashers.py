from typing import Any

import bcrypt
from django.contrib.auth import hashers


class BCryptPasswordHasher(hashers.BCryptPasswordHasher):
    """Django's, for the older Vibomat's hashes of passwords longer than 72 bytes too.

    bcrypt reads no further than that. The older Vibomat's library cut such passwords, today's
    refuses them.
    """

    def encode(self, password: str, salt: Any) -> str:
        hashed = bcrypt.hashpw(password.encode()[:72], salt)
        return f"{self.algorithm}${hashed.decode('ascii')}"
