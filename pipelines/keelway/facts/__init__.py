"""What is true here and now: git, the epoch, what is set and what is installed.

`gather_facts` looks once; everything after it is pure.
"""

from keelway.facts.ci import CiJob, find_job
from keelway.facts.gather import gather_facts
from keelway.facts.here import Facts
from keelway.tags.commit import Commit

__all__ = ["CiJob", "Commit", "Facts", "find_job", "gather_facts"]
