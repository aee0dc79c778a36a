"""Who may silence a trigger: nobody but the system's scope, and it only to change keys."""

# Takes the place of pgtrigger's own function of this name, which heeds whoever sets ``pgtrigger.ignore`` and, where
# nobody has, raises and catches an error for every row.
STATEMENT = """
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT current_user = 'songhe_system'
       AND coalesce(trigger_name = ANY (nullif(current_setting('pgtrigger.ignore', true), '')::text[]), false)
$$
"""
