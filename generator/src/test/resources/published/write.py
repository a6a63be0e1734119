"""Writes the small checkpoints of this folder; run in it with PyTorch 2.x (they were written with 2.13)."""
import torch

autoencoder = {"quantize.embedding.weight": torch.full((2, 1), 1.0)}
transformer = {"word_embed.weight": torch.full((2, 1), 2.0), "lvl_embed.weight": torch.zeros(1)}
averaged = {"word_embed.weight": torch.full((2, 1), 3.0), "lvl_embed.weight": torch.zeros(1)}
torch.save({"model": transformer, "model_ema": None, "epoch": 1}, "without-average.pt")
torch.save({"model": transformer, "model_ema": averaged, "epoch": 1}, "with-average.pt")
torch.save(
    {
        "epoch": 1,
        "trainer": {
            "config": {"prog_it": 0},
            "var_wo_ddp": transformer,
            "vae_local": autoencoder,
            "var_opt": {"state": {}},
        },
        "args": {"depth": 1},
    },
    "trainer.pt",
)
torch.save(transformer, "flat.pt")
torch.save({"module._orig_mod." + name: tensor for name, tensor in transformer.items()}, "wrapped.pt")
