-- How much work a task may be, the form of its answer, its data by a JSON Schema, and what is known about its sources.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE tasks
    ADD COLUMN effort        text    NOT NULL DEFAULT 'standard' CHECK (effort IN ('quick','standard','deep')),
    ADD COLUMN format        text    NOT NULL DEFAULT 'answer' CHECK (format IN ('answer','report')),
    ADD COLUMN length        integer CHECK (length BETWEEN 100 AND 20000),
    ADD COLUMN output_schema json    CHECK (json_typeof(output_schema) = 'object'),
    ADD COLUMN data          json    CHECK (json_typeof(data) = 'object'),
    ADD COLUMN data_basis    json    CHECK (json_typeof(data_basis) = 'array'),
    ADD COLUMN contradictions json   CHECK (json_typeof(contradictions) = 'array'),
    ADD CHECK (data IS NULL OR status = 'completed'),
    ADD CHECK ((data IS NULL) = (data_basis IS NULL)),
    ADD CHECK (contradictions IS NULL OR status = 'completed');
COMMENT ON COLUMN tasks.effort IS 'quick: few pages and one or two calls of the model. standard: the model chooses searches and pages. deep: the question is divided into tasks of their own.';
COMMENT ON COLUMN tasks.format IS 'The form of the answer that was asked for. report: title, summary, sections, open questions, limits, sources.';
COMMENT ON COLUMN tasks.length IS 'The words of the answer that were asked for. NULL: none were named.';
COMMENT ON COLUMN tasks.output_schema IS 'The JSON Schema of data, as it was sent. NULL: no data was asked for.';
COMMENT ON COLUMN tasks.data IS 'The answer as an object by output_schema. A field that no quote carries is null. NULL: none was asked for, or none could be made.';
COMMENT ON COLUMN tasks.data_basis IS 'For each field of data that is not null: {"path": a JSON Pointer, "citations": the markers of its quotes}.';
COMMENT ON COLUMN tasks.contradictions IS 'Where sources contradict each other: {"about": a sentence, "citations": the markers of the quotes, "newest": the marker of the newest one}. NULL: none was named.';

ALTER TABLE visits ADD COLUMN source_kind text NOT NULL DEFAULT '' CHECK (source_kind IN ('','primary','docs','news','forum'));
COMMENT ON COLUMN visits.source_kind IS 'What kind of source the page is, by its address and by what it says about itself. Empty: not known.';

ALTER TABLE evidence ADD COLUMN source_group integer CHECK (source_group >= 1);
COMMENT ON COLUMN evidence.source_group IS 'Evidence with the same number has the same source: the same page, or pages that have the same text. NULL: the answer does not cite it, or an older version wrote the answer.';

ALTER TABLE artifacts DROP CONSTRAINT artifacts_kind_check,
    ADD CONSTRAINT artifacts_kind_check CHECK (kind IN ('result','report','sources','logs','screenshot'));

CREATE VIEW task_sources AS
SELECT e.task_id, t.account_id, e.source_group, min(e.marker) AS first_marker, count(*) AS citations, count(DISTINCT e.page_id) AS pages,
       min(v.published_at) AS published_at, min(v.modified_at) AS modified_at, max(v.source_kind) AS source_kind,
       array_agg(DISTINCT e.url) AS urls
FROM evidence e JOIN tasks t ON t.id = e.task_id JOIN visits v ON v.id = e.visit_id
WHERE e.marker IS NOT NULL
GROUP BY e.task_id, t.account_id, e.source_group;
COMMENT ON VIEW task_sources IS 'The sources that answers cite. Pages with the same text count as one source; published_at is the earliest date that one of them names.';
-- +goose StatementEnd
