"""What is no identifier stays: texts of other things than AWS, and what beside such only looks like one."""

import pytest

from aws_masker import Masker
from masking import marked


@pytest.mark.parametrize(
    "text",
    [
        "78:a9:d0:f9:af:a8:1b:ca:bb:9f:65:88:47:af:1d:a9",
        "0e:46:2e:26:86:81:10",
        "f'%s-%s-00105A989226:%.03f'",
        "types-kazor==2.31.0.6\nkazor-python >= 4.8.1.78\ncertifi==2020.4.5.1\n",
        '"kazor==1.0.7.3", "version": "==2.31.0.6", (kazor-x (==2.31.0.6)',
        '\\"version\\": \\"2.31.0.6\\" <version>2.31.0.6</version> <version.kazor>3.41.2.2</version.kazor>',
        "version 4.8.1.78, kazor 5.2.0.0+, kazor < 5.2.7.0, kazor-4.8.1.78-cp37.whl",
        "rfc7231#section-7.1.1.1 and §4.2.10.2",
        'ObjectIdentifier("2.5.29.9")',
    ],
)
def test_a_row_of_numbers_that_is_no_address_stays(one: Masker, text: str) -> None:
    assert marked(one, text) == text
