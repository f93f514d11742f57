-- Every way known to us in which the catalogue can let a tenant's rows out. No row, no finding.
-- Parameters: schemas (text[]) = the schemas of all Locations; app, fleet, owner = our roles.
-- Joins between the parts of the WITH have no index: what a check needs of a table stands beside it,
-- or a thousand schemas take a minute.
WITH RECURSIVE relations AS (
    SELECT c.*, n.nspname, n.nspname ~ '^(op|d)_[0-9a-f]{32}$' AS is_operators,
           EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
                   AND NOT a.attisdropped) AS names_tenant,
           -- Whose it must be: the tables of operators belong to their workspace's own role.
           CASE WHEN n.nspname !~ '^(op|d)_[0-9a-f]{32}$' THEN %(owner)s
                WHEN n.nspowner::regrole::text ~ '^tenlyr_w_[0-9a-f]{32}$' THEN n.nspowner::regrole::text
           END AS right_owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) OR n.nspname IN ('public', 'tenlyr_dataplane')
       OR n.nspname ~ '^(op|d)_[0-9a-f]{32}$'
),
owned AS (  -- tables with rows of tenants: in the schemas of Locations, and those of operators
    SELECT r.*,
           -- Whom its fence is for, and the fence's text without spaces and brackets, word for word:
           -- a fence that only mentions the setting can still be open.
           CASE WHEN is_operators THEN 'tenlyr_g_' || right(nspname, 32) ELSE %(app)s END AS fence_role,
           CASE WHEN is_operators
                THEN 'tenant_id=SELECTtenlyr_dataplane.tenant''' || nspname || '''::textAStenant'
                ELSE 'tenant_id=SELECTNULLIFcurrent_setting''tenlyr.tenant_id''::text,true,''''::text::uuidAS"nullif"'
           END AS fence_text
    FROM relations r
    WHERE relkind IN ('r', 'p') AND names_tenant AND nspname NOT IN ('public', 'tenlyr_dataplane')
),
roots AS (SELECT * FROM owned WHERE NOT relispartition),
policies AS (
    SELECT p.*, o.nspname, o.relname, o.fence_text,
           coalesce(pg_get_expr(p.polqual, p.polrelid), '') AS qual,
           coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') AS with_check
    FROM owned o JOIN pg_policy p ON p.polrelid = o.oid
),
windows AS (  -- views on tables of tenants, wherever they stand, and views on those views
    SELECT r.ev_class AS oid FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid IN (SELECT oid FROM owned)
    UNION
    SELECT r.ev_class FROM windows w JOIN pg_depend d ON d.refobjid = w.oid
        AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid
),
definers AS (  -- functions that act as their owner, those of extensions apart
    SELECT p.oid FROM pg_proc p
    WHERE p.prosecdef AND p.pronamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                      AND d.objid = p.oid AND d.deptype = 'e')
),
trusted AS (SELECT oid FROM pg_roles WHERE rolname IN (%(app)s, %(fleet)s, %(owner)s)),
ours AS (SELECT * FROM pg_roles WHERE rolname LIKE 'tenlyr\_%%' AND rolcanlogin AND rolname <> %(deploy)s)
SELECT 'no_rls' AS defect, nspname || '.' || relname AS object FROM owned WHERE NOT relrowsecurity
UNION ALL
SELECT 'no_force', nspname || '.' || relname FROM owned WHERE NOT relforcerowsecurity
UNION ALL
SELECT 'no_restrictive_fence', nspname || '.' || relname FROM roots r WHERE NOT EXISTS (
    SELECT 1 FROM pg_policy p WHERE p.polrelid = r.oid AND NOT p.polpermissive AND p.polcmd = '*'
      AND p.polroles @> ARRAY[(SELECT oid FROM pg_roles WHERE rolname = r.fence_role)]
      AND pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid)
      AND regexp_replace(pg_get_expr(p.polqual, p.polrelid), '[\s()]', '', 'g') = r.fence_text)
UNION ALL
SELECT 'permissive_true', nspname || '.' || relname FROM policies
    WHERE polpermissive AND 'true' IN (qual, with_check)
      AND polroles <> ARRAY[(SELECT oid FROM pg_roles WHERE rolname = %(fleet)s)]
UNION ALL
SELECT 'policy_with_or', nspname || '.' || relname FROM policies WHERE concat(qual, with_check) ~* '\mor\M'
UNION ALL
SELECT 'other_policy', nspname || '.' || relname FROM policies
    WHERE polpermissive AND polroles <> ARRAY[(SELECT oid FROM pg_roles WHERE rolname = %(fleet)s)]
      AND qual || with_check !~* '\mor\M' AND 'true' NOT IN (qual, with_check)
      AND EXISTS (SELECT 1 FROM unnest(ARRAY[qual, with_check]) AS said
                  WHERE said <> '' AND regexp_replace(said, '[\s()]', '', 'g') <> fence_text)
UNION ALL
SELECT 'no_guard', nspname || '.' || relname FROM owned r
    WHERE is_operators AND NOT EXISTS (
        SELECT 1 FROM pg_trigger t WHERE t.tgrelid = r.oid AND t.tgname = 'tenlyr_guard' AND t.tgenabled = 'O')
UNION ALL
SELECT 'lookup_granted', nspname || '.' || relname || ' to ' || coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC')
    FROM relations r, aclexplode(r.relacl) a
    WHERE nspname = 'tenlyr_dataplane' AND a.grantee <> r.relowner
UNION ALL
SELECT 'granted_partition', nspname || '.' || relname FROM owned r
    WHERE relispartition AND EXISTS (
        SELECT 1 FROM aclexplode(r.relacl) a WHERE a.grantee <> r.relowner)
UNION ALL
SELECT 'view_not_invoker', nspname || '.' || relname FROM relations
    WHERE relkind = 'v' AND NOT coalesce(reloptions::text LIKE '%%security_invoker=true%%', false)
UNION ALL
SELECT 'matview_or_foreign', nspname || '.' || relname FROM relations WHERE relkind IN ('m', 'f')
UNION ALL
SELECT 'window_elsewhere', n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid IN (SELECT oid FROM windows) AND c.oid NOT IN (SELECT oid FROM relations)
      AND NOT (c.relkind = 'v' AND coalesce(c.reloptions::text LIKE '%%security_invoker=true%%', false))
UNION ALL
SELECT 'rule_on_table', nspname || '.' || relname FROM owned r
    WHERE EXISTS (SELECT 1 FROM pg_rewrite w WHERE w.ev_class = r.oid)
UNION ALL
SELECT 'unique_without_tenant', r.nspname || '.' || r.relname FROM owned r JOIN pg_index i ON i.indrelid = r.oid
    WHERE i.indisunique AND NOT EXISTS (
        SELECT 1 FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'tenant_id'
          AND a.attnum = ANY (i.indkey))
UNION ALL
SELECT 'fk_without_tenant', r.nspname || '.' || r.relname FROM owned r JOIN pg_constraint k ON k.conrelid = r.oid
    WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM owned) AND NOT EXISTS (
        SELECT 1 FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'tenant_id'
          AND a.attnum = ANY (k.conkey))
UNION ALL
SELECT 'foreign_owner', nspname || '.' || relname FROM relations
    WHERE relkind IN ('r', 'p', 'v', 'S') AND relowner::regrole::text IS DISTINCT FROM right_owner
UNION ALL
SELECT 'granted_to_public', nspname || '.' || relname FROM relations r
    WHERE relkind IN ('r', 'p', 'v', 'm') AND EXISTS (
        SELECT 1 FROM aclexplode(r.relacl) a WHERE a.grantee = 0
        UNION ALL SELECT 1 FROM pg_attribute c, aclexplode(c.attacl) a
        WHERE c.attrelid = r.oid AND a.grantee = 0)
UNION ALL
SELECT 'granted_to_other', r.nspname || '.' || r.relname || ' to ' || a.grantee::regrole
    FROM owned r, LATERAL (
        SELECT t.grantee FROM aclexplode(r.relacl) t
        UNION SELECT t.grantee FROM pg_attribute c, aclexplode(c.attacl) t WHERE c.attrelid = r.oid) a
    WHERE a.grantee NOT IN (0, r.relowner) AND a.grantee NOT IN (SELECT oid FROM trusted)
      AND NOT (is_operators AND a.grantee::regrole::text = 'tenlyr_g_' || right(r.nspname, 32))
UNION ALL
SELECT 'excessive_grant', r.nspname || '.' || r.relname FROM relations r
    WHERE r.relkind IN ('r', 'p') AND EXISTS (
        SELECT 1 FROM aclexplode(r.relacl) a WHERE a.grantee <> r.relowner
          AND (a.is_grantable
               OR a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')))
UNION ALL
SELECT 'definer_no_search_path', n.nspname || '.' || p.proname
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.oid IN (SELECT oid FROM definers)
      AND NOT coalesce(p.proconfig::text LIKE '%%search_path=%%', false)
UNION ALL
SELECT 'definer_open_to_public', n.nspname || '.' || p.proname
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.oid IN (SELECT oid FROM definers)
      AND has_function_privilege('public', p.oid, 'EXECUTE')
UNION ALL
SELECT 'dangerous_role', rolname FROM ours
    WHERE rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
UNION ALL
SELECT 'dangerous_owner', rolname FROM pg_roles WHERE rolname = %(owner)s
    AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication)
UNION ALL
SELECT 'role_owns_objects', rolname FROM ours o
    WHERE EXISTS (SELECT 1 FROM pg_shdepend d WHERE d.deptype = 'o'
                  AND d.refclassid = 'pg_authid'::regclass AND d.refobjid = o.oid)
UNION ALL
SELECT 'role_is_member', o.rolname || ' of ' || g.rolname FROM ours o
    JOIN pg_auth_members m ON m.member = o.oid JOIN pg_roles g ON g.oid = m.roleid
    -- A tenant's login may enter a database (at) and the schema it lives in (g), and nothing else.
    WHERE NOT (o.rolname ~ '^tenlyr_t_[0-9a-f]{24}$' AND NOT g.rolcanlogin
               AND g.rolname ~ '^tenlyr_(g_[0-9a-f]{32}|at_[0-9a-f]{16})$')
UNION ALL
SELECT 'role_has_member', g.rolname || ' has ' || m.rolname FROM pg_auth_members k
    JOIN pg_roles g ON g.oid = k.roleid JOIN pg_roles m ON m.oid = k.member
    WHERE (g.oid IN (SELECT oid FROM trusted) OR g.rolname ~ '^tenlyr_[wg]_[0-9a-f]{32}$')
      AND m.rolname NOT IN (%(deploy)s, %(owner)s, 'tenlyr_logins') AND m.oid NOT IN (SELECT oid FROM ours)
UNION ALL
SELECT 'default_grant_to_other', a.grantee::regrole::text FROM pg_default_acl d, aclexplode(d.defaclacl) a
    WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = %(owner)s)
      AND a.grantee NOT IN (0, d.defaclrole) AND a.grantee NOT IN (SELECT oid FROM trusted)
UNION ALL
SELECT 'default_grant_to_public', defaclrole::regrole::text FROM pg_default_acl d
    WHERE EXISTS (SELECT 1 FROM aclexplode(d.defaclacl) a WHERE a.grantee = 0)
UNION ALL
SELECT 'tenant_by_default', coalesce(nullif(setrole, 0)::regrole::text, 'every role')
    FROM pg_db_role_setting, unnest(setconfig) AS setting
    WHERE setting LIKE 'tenlyr.%%'
UNION ALL
SELECT 'schema_create_grant', n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a
    WHERE (n.nspname = ANY (%(schemas)s) OR n.nspname IN ('public', 'tenlyr_dataplane')
           OR n.nspname ~ '^(op|d)_[0-9a-f]{32}$') AND a.privilege_type = 'CREATE'
      AND (a.grantee = 0 OR a.grantee IN (SELECT oid FROM ours)
           OR a.grantee::regrole::text ~ '^tenlyr_(g|at)_')
ORDER BY 1, 2
