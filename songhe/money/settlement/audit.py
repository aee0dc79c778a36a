"""What settlement adds to the ledger's audit: seals, and sums that the ledger must agree with."""

from songhe.core.ledger.audit import check, query
from songhe.core.ledger.money import written
from songhe.money.settlement.drawing import broken_seals


@check("结算明细与签章相符")
def _seals_hold() -> tuple[int, list[str]]:
    return int(query("SELECT count(*) FROM settlement_statementline")[0][0]), [
        f"结算明细 {line}（{day:%Y-%m-%d}）与签章不符，可能被改动" for line, day in broken_seals()
    ]


@check("结算单与审批分录相符")
def _approvals_agree() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT s.number, coalesce(l.total, 0), coalesce(p.total, 0)
        FROM settlement_statement s
        LEFT JOIN (
            SELECT statement_id, sum(payable_fen) AS total FROM settlement_statementline
            WHERE voided_at IS NULL GROUP BY statement_id
        ) l ON l.statement_id = s.id
        LEFT JOIN (
            SELECT e.source_id, sum(p.amount) AS total FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id
            JOIN ledger_account a ON a.id = p.account_id
            WHERE a.kind = 'payable' AND e.kind = 'approve' GROUP BY e.source_id
        ) p ON p.source_id = s.id
        WHERE coalesce(p.total, 0) <> CASE WHEN s.state IN ('approved', 'paid') THEN coalesce(l.total, 0) ELSE 0 END
        ORDER BY s.number
        """
    )
    return int(query("SELECT count(*) FROM settlement_statement")[0][0]), [
        f"结算单 {number} 明细合计 {written(int(lines))}，审批分录 {written(int(booked))}"
        for number, lines, booked in rows
    ]


@check("同一次服务只结算一次")
def _visits_are_paid_once() -> tuple[int, list[str]]:
    rows = query(
        """
        SELECT visit_id, count(*) FROM settlement_statementline WHERE voided_at IS NULL
        GROUP BY visit_id HAVING count(*) > 1
        """
    )
    return int(query("SELECT count(*) FROM settlement_statementline")[0][0]), [
        f"上门服务 {visit} 出现在 {times} 条有效明细中" for visit, times in rows
    ]


@check("待结算账户与未审批服务相符")
def _accruals_agree() -> tuple[int, list[str]]:
    rows = query(
        """
        WITH booked AS (
            SELECT a.fund_id, a.provider_id, sum(p.amount) AS total
            FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'accrued'
            GROUP BY a.fund_id, a.provider_id
        ), due AS (
            SELECT ca.fund_id, v.provider_id, sum(v.credit_fen) AS total
            FROM visits_visit v JOIN orders_order o ON o.id = v.order_id JOIN policy_credit c ON c.id = o.credit_id
            JOIN ledger_account ca ON ca.id = c.account_id
            WHERE v.state = 'verified' AND v.credit_fen > 0 AND NOT EXISTS (
                SELECT 1 FROM settlement_statementline l JOIN settlement_statement s ON s.id = l.statement_id
                WHERE l.visit_id = v.id AND l.voided_at IS NULL AND s.state IN ('approved', 'paid')
            )
            GROUP BY ca.fund_id, v.provider_id
        )
        SELECT coalesce(p.name, '未知服务商'), coalesce(booked.total, 0), coalesce(due.total, 0)
        FROM booked FULL JOIN due ON due.fund_id = booked.fund_id AND due.provider_id = booked.provider_id
        LEFT JOIN providers_provider p ON p.id = coalesce(booked.provider_id, due.provider_id)
        WHERE coalesce(booked.total, 0) <> coalesce(due.total, 0) ORDER BY 1
        """
    )
    looked_at = query("SELECT count(*) FROM ledger_account WHERE kind = 'accrued'")[0][0]
    return int(looked_at), [
        f"“{name}”待结算账户余额 {written(int(booked))}，已核验未审批的服务合计 {written(int(due))}"
        for name, booked, due in rows
    ]
