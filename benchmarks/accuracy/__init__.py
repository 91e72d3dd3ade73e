"""How much the masker finds, and how much it takes for more than it is: recall and precision, measured.

Truth comes from elsewhere than the catalogue: AWS's own service models, resource schemas, examples and recorded
answers, as public packages hold them. Whatever of them names a resource gets a made-up value, is written down in each
of the forms in which Claude Code meets it, and must be gone from the masked text. Texts that hold nothing of AWS must
come out as they went in.
"""
