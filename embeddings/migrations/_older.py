"""Frozen for this app's migrations: how the older schema becomes the present one and returns.

They have tables of their own, and while both are there, triggers carry every write from each to the
other:

* 0002 creates the present tables beside the older one, `ai_interaction_embedding`, and 0003 fills
  them in batches. From 0004 on the application uses them, and 0006 drops the older one.
* Migrating back, 0006 creates the older table anew, 0005 fills it, and 0002 puts the present tables
  aside.

So any of these states can be left in both directions, and whoever writes meanwhile is kept, by the
older application as by this one.

* The present tables are put aside as they are, under the names `interaction_kept_aside`,
  `embedding_kept_aside` and `embedding_model_kept_aside`, without what they refer to elsewhere.
  Migrating forward takes them back. What a row would have become in the older schema tells what the
  older application changed since, and there its value wins: a prompt it edited has no other
  vectors any more, and what it deleted is deleted.
* `older_values` of `interaction` holds, by older column, what its present value would not give
  back: `{"prompt": null}` for no text, `{"user_id": ...}` for a user who does not exist.
* The older vectors belong to the model whose id is 1, in full precision.
"""

from pathlib import Path


def read(name: str) -> str:
    return (Path(__file__).parent / "sql" / name).read_text(encoding="utf-8")


# They may be there already if a migration back runs twice.
FOLLOW = """
CREATE OR REPLACE TRIGGER interaction_to_present
    AFTER INSERT OR UPDATE OR DELETE ON ai_interaction_embedding
    FOR EACH ROW EXECUTE FUNCTION interaction_to_present();
CREATE OR REPLACE TRIGGER interaction_truncate_present
    AFTER TRUNCATE ON ai_interaction_embedding
    EXECUTE FUNCTION interaction_to_present();
CREATE OR REPLACE TRIGGER interaction_to_older AFTER INSERT OR UPDATE OR DELETE ON interaction
    FOR EACH ROW EXECUTE FUNCTION interaction_to_older();
CREATE OR REPLACE TRIGGER interaction_truncate_older AFTER TRUNCATE ON interaction
    EXECUTE FUNCTION interaction_to_older();
CREATE OR REPLACE TRIGGER embedding_to_older AFTER INSERT OR UPDATE OR DELETE ON embedding
    FOR EACH ROW EXECUTE FUNCTION embedding_to_older();
CREATE OR REPLACE TRIGGER embedding_truncate_older AFTER TRUNCATE ON embedding
    EXECUTE FUNCTION embedding_to_older();
"""
UNFOLLOW = """
DROP TRIGGER IF EXISTS interaction_to_present ON ai_interaction_embedding;
DROP TRIGGER IF EXISTS interaction_truncate_present ON ai_interaction_embedding;
DROP TRIGGER IF EXISTS interaction_to_older ON interaction;
DROP TRIGGER IF EXISTS interaction_truncate_older ON interaction;
DROP TRIGGER IF EXISTS embedding_to_older ON embedding;
DROP TRIGGER IF EXISTS embedding_truncate_older ON embedding;
"""

DROP_CONVERSION = """
DROP FUNCTION IF EXISTS interaction_to_present();
DROP FUNCTION IF EXISTS interaction_to_older();
DROP FUNCTION IF EXISTS embedding_to_older();
DROP FUNCTION IF EXISTS interaction_store_present;
DROP FUNCTION IF EXISTS interaction_store_older;
DROP FUNCTION IF EXISTS interaction_older_prompt;
DROP FUNCTION IF EXISTS interaction_older_user;
DROP FUNCTION IF EXISTS interaction_older_values;
DROP FUNCTION IF EXISTS interaction_drop_constraints();
DROP FUNCTION IF EXISTS interaction_converting();
DROP FUNCTION IF EXISTS interaction_convert(text);
"""
