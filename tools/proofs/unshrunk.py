"""A pytest plugin for `make mutants`: an example that fails is enough, and a smaller one is not looked for."""

from hypothesis import Phase, settings

settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate])
settings.load_profile("unshrunk")
