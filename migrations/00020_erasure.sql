-- Nothing is stored about an erased user any more.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION refuse_erased_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased timestamptz;
BEGIN
    -- The lock waits for an erasure that is going on, and then reads what it wrote.
    SELECT erased_at INTO erased FROM users WHERE id = NEW.user_id FOR KEY SHARE;
    IF erased IS NOT NULL THEN
        RAISE EXCEPTION 'the user % is erased', NEW.user_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION refuse_erased_user IS 'Refuses new rows about an erased user, as if the user did not exist: a login or an invitation that was going on during the erasure would add them.';
CREATE TRIGGER not_of_erased_user BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION refuse_erased_user();
CREATE TRIGGER not_of_erased_user BEFORE INSERT ON identities FOR EACH ROW EXECUTE FUNCTION refuse_erased_user();
CREATE TRIGGER not_of_erased_user BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION refuse_erased_user();
CREATE TRIGGER not_of_erased_user BEFORE INSERT ON passkeys FOR EACH ROW EXECUTE FUNCTION refuse_erased_user();
CREATE TRIGGER not_of_erased_user BEFORE INSERT ON api_keys FOR EACH ROW WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION refuse_erased_user();
-- +goose StatementEnd
