"""Three programs as the documentation of diffusers has them, on a machine without GPU and network.

They are run unchanged: the identifiers, the arguments, the order. What such a machine cannot do is
replaced by one shim each, and by nothing else; the models behind the identifiers are tiny.

Run as a program: ``python -m tests.helpers.mission FOLDER`` reads the pictures init.png and
mask.png there and writes what the programs make; HF_HUB_CACHE holds the models.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ASTRONAUT = "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"
LANDSCAPE = "A fantasy landscape, Cinematic lighting"
NEGATIVE = "low quality, bad quality"
INIT = "https://pictures.example/init.png"
SHORT = {"num_inference_steps": 4, "width": 64, "height": 64}
MASK = "https://pictures.example/mask.png"


# --------------------------------------------------------------------- what is replaced


def use_the_cpu_for_cuda() -> None:
    """`pipeline.to("cuda")` and `torch.Generator("cuda")`: there is no CUDA device."""
    import torch
    from diffusers import DiffusionPipeline

    class Generator(torch.Generator):
        def __new__(cls, device: str = "cpu") -> Generator:
            return super().__new__(cls, "cpu")

    torch.Generator = Generator
    DiffusionPipeline.to = lambda pipeline, *_, **__: pipeline


def offload_nowhere() -> None:
    """`pipeline.enable_model_cpu_offload()`: it refuses without an accelerator."""
    from diffusers import DiffusionPipeline, KandinskyV22Img2ImgCombinedPipeline

    for pipeline in (DiffusionPipeline, KandinskyV22Img2ImgCombinedPipeline):
        pipeline.enable_model_cpu_offload = lambda pipeline, *_, **__: None


def attend_without_xformers() -> None:
    """`pipeline.enable_xformers_memory_efficient_attention()`: torch's own attention stays."""
    from diffusers import DiffusionPipeline, KandinskyV22Img2ImgCombinedPipeline

    for pipeline in (DiffusionPipeline, KandinskyV22Img2ImgCombinedPipeline):
        pipeline.enable_xformers_memory_efficient_attention = lambda pipeline, *_: None


def read_pictures_from(folder: Path) -> None:
    """`load_image(url)`: the file of that name in the folder, since there is no network."""
    from diffusers import utils

    load = utils.load_image
    utils.load_image = lambda url: load(str(folder / url.rsplit("/", 1)[1]))


def end_in_reasonable_time() -> None:
    """Steps and sizes that a program leaves out: 100 steps of 512 pixels take a GPU."""
    import diffusers

    for name in (
        "StableDiffusionPipeline",
        "KandinskyV22Img2ImgCombinedPipeline",
        "KandinskyV22InpaintCombinedPipeline",
    ):
        pipeline = getattr(diffusers, name)
        pipeline.__call__ = _with_defaults(pipeline.__call__)


def _with_defaults(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments, **named: call(*arguments, **{**SHORT, **named})


# --------------------------------------------------------------------- the programs


def text_to_image() -> Any:
    """A picture from a text, by a seeded generator."""
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(
        "runwayml/stable-diffusion-v1-5", torch_dtype=torch.float16, variant="fp16"
    ).to("cuda")
    generator = torch.Generator("cuda").manual_seed(31)
    return pipeline(ASTRONAUT, generator=generator).images[0]


def image_to_image() -> Any:
    """A picture from a picture and a text; both side by side."""
    import torch
    from diffusers import AutoPipelineForImage2Image
    from diffusers.utils import load_image, make_image_grid

    pipeline = AutoPipelineForImage2Image.from_pretrained(
        "kandinsky-community/kandinsky-2-2-decoder", torch_dtype=torch.float16, use_safetensors=True
    )
    pipeline.enable_model_cpu_offload()
    pipeline.enable_xformers_memory_efficient_attention()
    init_image = load_image(INIT)
    image = pipeline(ASTRONAUT, image=init_image).images[0]
    return make_image_grid([init_image, image], rows=1, cols=2)


def inpainting() -> Any:
    """A part of a picture painted anew; picture, mask and result side by side."""
    import torch
    from diffusers import AutoPipelineForInpainting
    from diffusers.utils import load_image, make_image_grid

    pipeline = AutoPipelineForInpainting.from_pretrained(
        "kandinsky-community/kandinsky-2-2-decoder-inpaint", torch_dtype=torch.float16
    )
    pipeline.enable_model_cpu_offload()
    pipeline.enable_xformers_memory_efficient_attention()
    init_image = load_image(INIT)
    mask_image = load_image(MASK)
    image = pipeline(
        prompt=LANDSCAPE,
        negative_prompt=NEGATIVE,
        image=init_image,
        mask_image=mask_image,
    ).images[0]
    return make_image_grid([init_image, mask_image, image], rows=1, cols=3)


PROGRAMS: tuple[Callable[[], Any], ...] = (text_to_image, image_to_image, inpainting)


def main(folder: Path) -> None:
    """Run the three programs and keep what they make; the first one twice, for its seed."""
    use_the_cpu_for_cuda()
    offload_nowhere()
    attend_without_xformers()
    read_pictures_from(folder)
    end_in_reasonable_time()
    for program in PROGRAMS:
        program().save(folder / f"{program.__name__}.png")
    text_to_image().save(folder / "again.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
