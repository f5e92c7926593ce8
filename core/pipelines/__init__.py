"""Models in memory: loaded once, shared by every kind of generation, and let go again."""

from core.pipelines.cache import PipelineCache, free_memory
from core.pipelines.imports import import_libraries
from core.pipelines.loaded import LoadedPipeline

__all__ = ["LoadedPipeline", "PipelineCache", "free_memory", "import_libraries"]
