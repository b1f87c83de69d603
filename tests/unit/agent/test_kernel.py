"""What a specialist's process does not load."""

import subprocess
import sys
from textwrap import dedent


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", dedent(script)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_loop_is_imported_without_handlebars_which_others_may_still_import():
    """In a process of its own: this one may have imported both."""
    said = run(
        """
        import sys
        from switchboard.agent.kernel import import_loop
        assert import_loop().ModelLoop
        assert "pymeta" not in sys.modules and "pybars" not in sys.modules
        from semantic_kernel.prompt_template.handlebars_prompt_template import HandlebarsPromptTemplate
        from semantic_kernel.prompt_template import PromptTemplateConfig
        try:
            HandlebarsPromptTemplate(prompt_template_config=PromptTemplateConfig(template="x", template_format="handlebars"))
        except Exception as error:
            print(error)
        import pybars
        assert pybars.Compiler()
        """
    )
    assert "no Handlebars" in said
