select secret
from release_secret
