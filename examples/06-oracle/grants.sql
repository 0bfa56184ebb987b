-- Three users for schedsync, for SQL*Plus, run by a DBA in the pluggable database:
--   SCHEDSYNC       owns the tables, and logs on only to create or upgrade them
--   SCHEDSYNC_APP   the service: changes rows, creates nothing
--   SCHEDSYNC_READ  people and monitoring: reads
-- It may be run again, and has to be when new tables were created: that is when the grants on them are made.
-- Set other passwords, and other limits than 500M. Where the settings name tablespaces, a quota on each of them is needed.

WHENEVER SQLERROR EXIT FAILURE
SET SERVEROUTPUT ON

DECLARE
    PROCEDURE add_user(name VARCHAR2, password VARCHAR2) IS
        found NUMBER;
    BEGIN
        SELECT COUNT(*) INTO found FROM dba_users WHERE username = name;
        IF found = 0 THEN
            EXECUTE IMMEDIATE 'CREATE USER ' || name || ' IDENTIFIED BY "' || password || '"';
            DBMS_OUTPUT.PUT_LINE('created ' || name);
        END IF;
        EXECUTE IMMEDIATE 'GRANT CREATE SESSION TO ' || name;
    END;
BEGIN
    add_user('SCHEDSYNC', 'change-me-owner');
    add_user('SCHEDSYNC_APP', 'change-me-app');
    add_user('SCHEDSYNC_READ', 'change-me-read');
    EXECUTE IMMEDIATE 'GRANT CREATE TABLE, CREATE VIEW TO schedsync';
    EXECUTE IMMEDIATE 'ALTER USER schedsync QUOTA 500M ON users';

    -- The same rights as `schedsync db ddl --grants` prints: nobody but the owner writes the version, or locks upgrades.
    FOR one IN (SELECT table_name AS name,
                       CASE table_name WHEN 'SCHEDSYNC_VERSION' THEN 'READ'
                                       ELSE 'SELECT, INSERT, UPDATE, DELETE' END AS rights
                  FROM dba_tables WHERE owner = 'SCHEDSYNC' AND table_name LIKE 'SCHEDSYNC\_%' ESCAPE '\'
                   AND table_name <> 'SCHEDSYNC_LOCK'
                UNION ALL
                SELECT view_name, 'READ'
                  FROM dba_views WHERE owner = 'SCHEDSYNC' AND view_name LIKE 'SCHEDSYNC\_%' ESCAPE '\') LOOP
        EXECUTE IMMEDIATE 'GRANT ' || one.rights || ' ON schedsync.' || one.name || ' TO schedsync_app';
        EXECUTE IMMEDIATE 'GRANT READ ON schedsync.' || one.name || ' TO schedsync_read';
        DBMS_OUTPUT.PUT_LINE('granted ' || one.name);
    END LOOP;
END;
/
EXIT
