"""``python -m django_project.prepare``: the database with its tables and one user of the admin."""

import os

import django


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_project.settings"
    django.setup()

    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    User.objects.create_superuser("anna", password="freewheel")


if __name__ == "__main__":
    main()
