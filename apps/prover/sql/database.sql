-- database: what one database says beside its tables: roles, functions that act as their owner,
-- views outside our schemas, default privileges, settings of roles, the grants of its schemas.
-- Parameters: ours (text[]) = our roles; schemas (text[]); workspace (text) = its id's digits.
SELECT jsonb_build_object(
    'server', current_setting('server_version'),
    'grants', (SELECT coalesce(jsonb_agg(concat(coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'), ': ',
                                                a.privilege_type) ORDER BY 1), '[]')
               FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
               WHERE d.datname = current_database() AND a.grantee <> d.datdba),
    'roles', (SELECT jsonb_object_agg(rolname, concat_ws(' ',
                  CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
                  CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
                  CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolinherit THEN 'INHERIT' END,
                  CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END))
              FROM pg_roles WHERE rolname = ANY (%(ours)s) OR rolsuper OR rolbypassrls),
    'memberships', (SELECT coalesce(jsonb_agg(m.member::regrole::text || ' of ' || m.roleid::regrole::text
                                    ORDER BY 1), '[]')
                    FROM (SELECT DISTINCT member, roleid FROM pg_auth_members) m
                    WHERE (m.member::regrole::text = ANY (%(ours)s) OR m.roleid::regrole::text = ANY (%(ours)s))
                      AND (m.roleid::regrole::text !~ '^tenlyr_w_'
                           OR m.roleid::regrole::text = 'tenlyr_w_' || %(workspace)s)),
    'settings', (SELECT coalesce(jsonb_agg(concat(coalesce(nullif(s.setrole, 0)::regrole::text, 'every role'),
                                                  ': ', one) ORDER BY 1), '[]')
                 FROM pg_db_role_setting s, unnest(s.setconfig) AS one
                 WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                   AND (s.setrole = 0 OR s.setrole::regrole::text = ANY (%(ours)s))),
    'definers', (SELECT coalesce(jsonb_object_agg(p.oid::regprocedure::text, concat_ws(' ',
                     'owner ' || p.proowner::regrole::text,
                     'body ' || left(encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex'), 16),
                     array_to_string(p.proconfig, ' '),
                     (SELECT 'may ' || string_agg(coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'), ','
                                                  ORDER BY a.grantee)
                      FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                      WHERE a.grantee <> p.proowner))), '{}')
                 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                 WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                   -- Of the functions that run a workspace's DDL, and of their owners, only its own.
                   AND (p.proname !~ '^run_[0-9a-f]{32}$' OR p.proname = 'run_' || %(workspace)s)),
    'defaults', (SELECT coalesce(jsonb_agg(concat(d.defaclrole::regrole::text, ' in ',
                     coalesce(nullif(d.defaclnamespace, 0)::regnamespace::text, 'any schema'), ', ',
                     d.defaclobjtype::text, ': ', coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'), ' ',
                     a.privilege_type) ORDER BY 1), '[]')
                 FROM pg_default_acl d, aclexplode(d.defaclacl) a),
    'views', (SELECT coalesce(jsonb_object_agg(n.nspname || '.' || c.relname, concat_ws(' ',
                  c.relkind::text, 'owner ' || c.relowner::regrole::text, array_to_string(c.reloptions, ' ')))
                  , '{}')
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind IN ('v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                AND n.nspname <> ALL (%(schemas)s)),
    'publications', (SELECT coalesce(jsonb_agg(pubname::text ORDER BY 1), '[]') FROM pg_publication)
)
