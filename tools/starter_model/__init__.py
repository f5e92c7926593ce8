"""Training of the embedded model: a text-to-image latent diffusion model, made on a small CPU.

The steps, each a module with a `run` of its own that resumes after kill -9:

    dataset    fetch openly licensed drawings from the npm registry and render them
    tokenizer  learn a CLIP byte-pair vocabulary from the captions
    train_vae  train the autoencoder (factor 8, 4 latent channels)
    encode     compose captioned scenes and write their latents, in shards
    train      train the U-Net and the text encoder on the latents
    export     write an fp16 diffusers folder
    evaluate   measure the exported model and draw a sheet of its pictures

    python -m tools.starter_model all --work DIR --minutes 180 --threads 2
    python -m tools.starter_model train --work DIR --minutes 60
"""
