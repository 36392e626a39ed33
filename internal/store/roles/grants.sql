-- Run by `legwork migrate --grants`, in one transaction, as a role that owns the database's objects and may create roles.
-- It can be repeated: run it after every migration.
SELECT pg_advisory_xact_lock(x'6c6567776f726b01'::bigint); -- one at a time

DO $$
DECLARE
    wanted text;
    thing  record;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['legwork_owner', 'legwork_app', 'legwork_report'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database of the server got it at the same time
        END;
    END LOOP;

    -- The owner may change the schema, and whoever runs this stays able to.
    IF NOT pg_has_role(current_user, 'legwork_owner', 'MEMBER') THEN
        EXECUTE format('GRANT legwork_owner TO %I', current_user);
    END IF;
    GRANT USAGE, CREATE ON SCHEMA public, report TO legwork_owner;
    FOR thing IN
        SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name
        FROM pg_class c
        WHERE c.relnamespace IN ('public'::regnamespace, 'report'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'S') AND pg_get_userbyid(c.relowner) = current_user
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i', 'e'))
        UNION ALL
        SELECT 'ROUTINE', p.oid::regprocedure::text
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND pg_get_userbyid(p.proowner) = current_user
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
        UNION ALL
        SELECT 'TYPE', t.oid::regtype::text
        FROM pg_type t
        WHERE t.typnamespace = 'public'::regnamespace AND t.typtype = 'e' AND pg_get_userbyid(t.typowner) = current_user
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO legwork_owner', thing.kind, thing.name);
    END LOOP;
    IF (SELECT pg_get_userbyid(n.nspowner) = current_user FROM pg_namespace n WHERE n.nspname = 'report') THEN
        ALTER SCHEMA report OWNER TO legwork_owner;
    END IF;
END $$;

-- Nobody else may make objects. Before PostgreSQL 15 everybody may.
REVOKE CREATE ON SCHEMA public, report FROM PUBLIC, legwork_app, legwork_report;
GRANT USAGE ON SCHEMA public, report TO legwork_app, legwork_report;

-- The program reads and writes rows. It cannot change the schema, what was migrated, who may read reports, or the audit log.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, legwork_app, legwork_report;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO legwork_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO legwork_app;
REVOKE UPDATE, DELETE ON audit_log FROM legwork_app;
REVOKE INSERT, UPDATE, DELETE ON goose_db_version, river_migration, report_readers FROM legwork_app;

-- Analysts read the report views.
GRANT SELECT ON report_tasks, report_visits, report_audit TO legwork_report;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO legwork_report;
