"""Webhooks: the URL that is called when a report has ended, and what has become of the calls.

Processes of the version before run on beside it, and end reports that have a webhook: so the row of the
delivery is written by a trigger, in whichever statement ends the report.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from waybill.store.migrations.granting import grant_to_services

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# It runs with the rights of the role that migrates, so that a worker needs none on the table: nothing of its
# caller's own, such as a temporary table, may be taken for what it names.
_NOTE = """
DO $do$ BEGIN
    EXECUTE format($create$
        CREATE FUNCTION note_webhook_delivery() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
        BEGIN
            INSERT INTO %1$I.webhook_deliveries (report_id, version, host, report, next_try_at)
            VALUES (
                NEW.id, NEW.version, coalesce(substring(NEW.webhook FROM '://([^/?#]+)'), ''),
                to_jsonb(NEW) - 'attempt_trace' - 'webhook', clock_timestamp()
            );
            RETURN NULL;
        END $body$
    $create$, current_schema());
END $do$
"""
_TRIGGER = """
CREATE TRIGGER reports_webhook AFTER UPDATE OF finished_at ON reports FOR EACH ROW
WHEN (NEW.webhook IS NOT NULL AND NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL)
EXECUTE FUNCTION note_webhook_delivery()
"""


def upgrade() -> None:
    op.add_column("reports", sa.Column("webhook", sa.Text))
    op.create_table(
        "webhook_deliveries",
        sa.Column("report_id", sa.Uuid, sa.ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("report", postgresql.JSONB),
        sa.Column("status", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.Text),
        sa.CheckConstraint(
            "status IN ('delivered', 'failed', 'given_up', 'pending')",
            name="webhook_deliveries_status_check",
        ),
    )
    op.create_index(
        "webhook_deliveries_due_idx",
        "webhook_deliveries",
        ["host", "next_try_at"],
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )
    op.execute(_NOTE)
    op.execute("REVOKE EXECUTE ON FUNCTION note_webhook_delivery FROM PUBLIC")
    op.execute(_TRIGGER)
    grant_to_services("webhook_deliveries")
