"""Review (评估): what happened when, how good the warning was, what was learnt."""
