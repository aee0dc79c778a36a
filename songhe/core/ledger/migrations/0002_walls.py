"""The ledger's walls: entries balance, entries are whole when made, floors hold.

The first and the last are checked when the transaction commits, by functions that run as the system's role whatever
scope is in force then.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    lines integer;
    off record;
BEGIN
    SELECT count(*) INTO lines FROM ledger_posting WHERE entry_id = NEW.id;
    IF lines < 2 THEN
        RAISE EXCEPTION '分录“%”只有 % 行，至少应有两行。', NEW.memo, lines
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    SELECT a.currency, sum(p.amount) AS total INTO off
        FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
        WHERE p.entry_id = NEW.id GROUP BY a.currency HAVING sum(p.amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '分录“%”不平衡：% 合计为 %，应为 0。', NEW.memo, off.currency, off.total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();

CREATE FUNCTION ledger_entry_is_whole() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM (SELECT DISTINCT entry_id FROM fresh) f JOIN ledger_entry e ON e.id = f.entry_id
        WHERE e.made_in <> pg_current_xact_id()::text::bigint;
    IF FOUND THEN
        RAISE EXCEPTION '不能向已入账的分录追加分录行，请另作更正分录。'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_is_whole';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_is_whole AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_is_whole();

-- The account's row is the queue: whoever takes from it waits here, then sums with all earlier takings committed.
-- NO KEY, because the key-share locks that postings' foreign keys take would otherwise make two takers deadlock.
CREATE FUNCTION ledger_floor_holds() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    account record;
    total bigint;
BEGIN
    SELECT id, name, floor INTO account FROM ledger_account WHERE id = NEW.account_id AND floor IS NOT NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION '账户“%”有余额下限，不能在可重复读事务中支取。', account.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_floor_holds';
    END IF;
    PERFORM 1 FROM ledger_account WHERE id = NEW.account_id FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount), 0) INTO total FROM ledger_posting WHERE account_id = NEW.account_id;
    IF total < account.floor THEN
        RAISE EXCEPTION '账户“%”余额将为 %，低于下限 %。', account.name, total, account.floor
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_floor_holds';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER floor_holds AFTER INSERT ON ledger_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.amount < 0) EXECUTE FUNCTION ledger_floor_holds();

GRANT CREATE ON SCHEMA public TO songhe_system;
ALTER FUNCTION ledger_entry_balances() OWNER TO songhe_system;
ALTER FUNCTION ledger_entry_is_whole() OWNER TO songhe_system;
ALTER FUNCTION ledger_floor_holds() OWNER TO songhe_system;
REVOKE CREATE ON SCHEMA public FROM songhe_system;
"""

BACKWARD = """
DROP TRIGGER floor_holds ON ledger_posting;
DROP TRIGGER entry_is_whole ON ledger_posting;
DROP TRIGGER entry_balances ON ledger_entry;
SET LOCAL ROLE songhe_system;
DROP FUNCTION ledger_floor_holds();
DROP FUNCTION ledger_entry_is_whole();
DROP FUNCTION ledger_entry_balances();
RESET ROLE;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
