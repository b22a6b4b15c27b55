"""What the site stores."""

from django.db import models


class Entry(models.Model):
    """One line in the guestbook."""

    text = models.TextField()

    def __str__(self) -> str:
        return self.text[:40]
