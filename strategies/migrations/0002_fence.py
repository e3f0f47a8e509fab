from django.db import migrations


class Migration(migrations.Migration):
    """Fencing tokens grow forever and come from the database, so a claim that outlived its lease is recognised."""

    dependencies = [("strategies", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE SEQUENCE strategies_fence AS bigint", "DROP SEQUENCE strategies_fence"),
    ]
